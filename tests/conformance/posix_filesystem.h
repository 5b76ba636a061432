// A directory of the machine, by system calls: a plain one shows that the suite itself says what Linux does,
// a mount that Enfold does. The kernel asks for root where a case makes devices or gives files away.
#pragma once

#include "kms/base/files.h"
#include "tests/conformance/filesystem.h"

namespace enfold {

class PosixFilesystem : public Filesystem {
 public:
  explicit PosixFilesystem(std::string root) : root_(std::move(root)) {}
  PosixFilesystem(const PosixFilesystem&) = delete;
  PosixFilesystem& operator=(const PosixFilesystem&) = delete;
  ~PosixFilesystem() override;

  void set_umask(mode_t mask) override;
  void remount() override { open_.clear(); }

  Result<void> mkdir(const std::string& path, mode_t mode) override;
  Result<void> mknod(const std::string& path, mode_t mode, dev_t device) override;
  Result<void> symlink(const std::string& target, const std::string& path) override;
  Result<void> link(const std::string& from, const std::string& to) override;
  Result<void> unlink(const std::string& path) override;
  Result<void> rmdir(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to, unsigned flags) override;
  Result<std::string> readlink(const std::string& path) override;
  Result<std::map<std::string, mode_t>> list(const std::string& path) override;

  Result<void> open(Slot slot, const std::string& path, int flags, mode_t mode) override;
  Result<void> close(Slot slot) override;
  Result<std::string> read(Slot slot, std::uint64_t offset, std::size_t size) override;
  Result<void> write(Slot slot, std::uint64_t offset, std::string_view data) override;
  Result<void> allocate(Slot slot, int mode, std::uint64_t offset, std::uint64_t length) override;
  Result<std::uint64_t> seek(Slot slot, std::uint64_t offset, int whence) override;
  Result<void> sync(Slot slot) override;
  Result<void> copy(Slot from, std::uint64_t from_offset, Slot to, std::uint64_t to_offset,
                    std::size_t size) override;
  Result<std::string> read_mapped(Slot slot, std::uint64_t offset, std::size_t size) override;
  Result<void> write_mapped(Slot slot, std::uint64_t offset, std::string_view data) override;

  Result<struct stat> lstat(const std::string& path) override;
  Result<struct stat> stat(const std::string& path) override;
  Result<struct stat> fstat(Slot slot) override;
  Result<void> truncate(const std::string& path, std::uint64_t length) override;
  Result<void> ftruncate(Slot slot, std::uint64_t length) override;
  Result<void> chmod(const std::string& path, mode_t mode) override;
  Result<void> fchmod(Slot slot, mode_t mode) override;
  Result<void> lchown(const std::string& path, uid_t uid, gid_t gid) override;
  Result<void> fchown(Slot slot, uid_t uid, gid_t gid) override;
  Result<void> set_times(const std::string& path, const Times& times) override;
  Result<void> set_times(Slot slot, const Times& times) override;

  Result<std::string> get_xattr(const std::string& path, const std::string& name) override;
  Result<void> set_xattr(const std::string& path, const std::string& name, std::string_view value,
                         int flags) override;
  Result<void> remove_xattr(const std::string& path, const std::string& name) override;
  Result<std::set<std::string>> list_xattrs(const std::string& path) override;

 protected:
  void close_all() { open_.clear(); }
  [[nodiscard]] std::string at(const std::string& path) const { return root_ + "/" + path; }

 private:
  [[nodiscard]] int descriptor(Slot slot) const;

  std::string root_;
  mode_t umask_before_ = 0;
  bool has_umask_ = false;
  std::map<Slot, Fd> open_;
};

}  // namespace enfold
