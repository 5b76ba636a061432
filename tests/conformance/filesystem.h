// What a program can ask of a filesystem, with paths, open files and errno values as Linux has them. The
// suite runs over each implementation: the model, a volume without a kernel, a mount, a plain directory.
#pragma once

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "kms/base/error.h"

namespace enfold {

// The name of an open file, chosen by who opens it: so the same calls go to several filesystems.
using Slot = int;

// Access and modification time; tv_nsec may be UTIME_NOW or UTIME_OMIT.
using Times = std::array<timespec, 2>;

// With nothing to set the kernel does not even look whether there is such a file.
inline bool sets_nothing(const Times& times) {
  return times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT;
}

// Paths are relative to the root, "a/b"; the root itself is "".
class Filesystem {
 public:
  Filesystem() = default;
  Filesystem(const Filesystem&) = delete;
  Filesystem& operator=(const Filesystem&) = delete;
  virtual ~Filesystem() = default;

  virtual void set_umask(mode_t mask) = 0;
  // Closes all files, and comes back with what a new mount finds.
  virtual void remount() = 0;

  virtual Result<void> mkdir(const std::string& path, mode_t mode) = 0;
  virtual Result<void> mknod(const std::string& path, mode_t mode, dev_t device) = 0;
  virtual Result<void> symlink(const std::string& target, const std::string& path) = 0;
  virtual Result<void> link(const std::string& from, const std::string& to) = 0;  // a symlink itself, too
  virtual Result<void> unlink(const std::string& path) = 0;
  virtual Result<void> rmdir(const std::string& path) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to, unsigned flags) = 0;
  virtual Result<std::string> readlink(const std::string& path) = 0;
  // Each name with its S_IFMT bits.
  virtual Result<std::map<std::string, mode_t>> list(const std::string& path) = 0;

  virtual Result<void> open(Slot slot, const std::string& path, int flags, mode_t mode) = 0;
  virtual Result<void> close(Slot slot) = 0;
  virtual Result<std::string> read(Slot slot, std::uint64_t offset, std::size_t size) = 0;
  // With O_APPEND at the end, whatever the offset.
  virtual Result<void> write(Slot slot, std::uint64_t offset, std::string_view data) = 0;
  virtual Result<void> allocate(Slot slot, int mode, std::uint64_t offset, std::uint64_t length) = 0;
  virtual Result<std::uint64_t> seek(Slot slot, std::uint64_t offset, int whence) = 0;
  virtual Result<void> sync(Slot slot) = 0;
  // All of the range, by copy_file_range(2) where there is a kernel.
  virtual Result<void> copy(Slot from, std::uint64_t from_offset, Slot to, std::uint64_t to_offset,
                            std::size_t size) = 0;
  // Within the file, through a shared mapping where there is a kernel.
  virtual Result<std::string> read_mapped(Slot slot, std::uint64_t offset, std::size_t size) {
    return read(slot, offset, size);
  }
  virtual Result<void> write_mapped(Slot slot, std::uint64_t offset, std::string_view data) {
    return write(slot, offset, data);
  }

  virtual Result<struct stat> lstat(const std::string& path) = 0;
  virtual Result<struct stat> stat(const std::string& path) = 0;
  virtual Result<struct stat> fstat(Slot slot) = 0;
  virtual Result<void> truncate(const std::string& path, std::uint64_t length) = 0;
  virtual Result<void> ftruncate(Slot slot, std::uint64_t length) = 0;
  virtual Result<void> chmod(const std::string& path, mode_t mode) = 0;
  virtual Result<void> fchmod(Slot slot, mode_t mode) = 0;
  virtual Result<void> lchown(const std::string& path, uid_t uid, gid_t gid) = 0;
  virtual Result<void> fchown(Slot slot, uid_t uid, gid_t gid) = 0;
  virtual Result<void> set_times(const std::string& path, const Times& times) = 0;  // of a symlink itself
  virtual Result<void> set_times(Slot slot, const Times& times) = 0;

  // Of a symlink itself. flags: XATTR_CREATE, XATTR_REPLACE.
  virtual Result<std::string> get_xattr(const std::string& path, const std::string& name) = 0;
  virtual Result<void> set_xattr(const std::string& path, const std::string& name, std::string_view value,
                                 int flags) = 0;
  virtual Result<void> remove_xattr(const std::string& path, const std::string& name) = 0;
  virtual Result<std::set<std::string>> list_xattrs(const std::string& path) = 0;
};

// The errno value of a call, 0 where it succeeded.
template <class T>
int errno_value(const Result<T>& result) {
  return result ? 0 : errno_of(result.error());
}

}  // namespace enfold
