// A volume of its own, made, mounted and unmounted by the program under test, whatever becomes of the test.
// Needs root and /dev/fuse.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <vector>

#include "tests/conformance/posix_filesystem.h"

namespace enfold {

// Removed with all that is in it. In TMPDIR or /var/tmp: on a tmpfs kernels before 6.6 have no user xattrs.
class WorkDirectory {
 public:
  WorkDirectory();
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;
  ~WorkDirectory();
  [[nodiscard]] std::string path(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// A plain directory of the machine.
class HostFilesystem final : public PosixFilesystem {
 public:
  HostFilesystem() : HostFilesystem(std::make_unique<WorkDirectory>()) {}

 private:
  explicit HostFilesystem(std::unique_ptr<WorkDirectory> place);
  std::unique_ptr<WorkDirectory> place_;
};

class MountedFilesystem final : public PosixFilesystem {
 public:
  MountedFilesystem() : MountedFilesystem(std::make_unique<WorkDirectory>()) {}
  MountedFilesystem(const MountedFilesystem&) = delete;
  MountedFilesystem& operator=(const MountedFilesystem&) = delete;
  ~MountedFilesystem() override;
  void remount() override;

 private:
  explicit MountedFilesystem(std::unique_ptr<WorkDirectory> place);
  pid_t start(const std::vector<std::string>& arguments);
  void mount();
  void unmount();

  std::unique_ptr<WorkDirectory> place_;
  pid_t daemon_ = -1;
};

}  // namespace enfold
