// The files that a database was opened as, and whether they are still where they were. SQLite goes on with
// files that somebody has removed or replaced, and what it commits there is gone when they are closed.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "kms/base/files.h"

namespace enfold {

// All looks are from the directory's own descriptor: the path may lead into a mount that waits for this very
// answer, where a volume is mounted over the directory that its keys are below.
class OpenedFiles {
 public:
  OpenedFiles() = default;
  // `database` is an absolute path; its write-ahead log and the log's index are there as well.
  static Result<OpenedFiles> of(const std::string& database);

  // kStoreTampered where one of the files is another one by now, or none.
  [[nodiscard]] Result<void> require_files() const;
  // The same, and where the directory has another path than at first: a store that is put in its place would
  // not have what is changed here.
  [[nodiscard]] Result<void> require_place() const;

 private:
  struct File {
    std::string name;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    bool operator==(const File&) const = default;
  };
  [[nodiscard]] Result<File> look(const std::string& name) const;
  [[nodiscard]] Result<std::string> path() const;

  Fd directory_;
  std::string path_;
  std::array<File, 3> files_;
};

}  // namespace enfold
