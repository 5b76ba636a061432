// The files that a database was opened as, and whether they are still where they were. SQLite goes on with
// files that somebody has removed or replaced, and what it commits there is gone when they are closed.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "kms/base/error.h"

namespace enfold {

class OpenedFiles {
 public:
  OpenedFiles() = default;
  // `database` is an absolute path; its write-ahead log and the log's index are there as well.
  static Result<OpenedFiles> of(const std::string& database);

  // kStoreTampered where the database is another file by now or none. One look at it, for each reading call.
  [[nodiscard]] Result<void> require_database() const { return require(files_[0]); }
  // The same of all three.
  [[nodiscard]] Result<void> require_all() const;

 private:
  struct File {
    std::string path;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    bool operator==(const File&) const = default;
  };
  static Result<File> look(const std::string& path);
  static Result<void> require(const File& opened);

  std::array<File, 3> files_;
};

}  // namespace enfold
