// The seam to the lower filesystem: one virtual call for each system call that Enfold makes on files, with
// the same semantics (short counts and EINTR included), so that a test can count, record, fail or cut any of
// them. Errors are kSystem with the errno value. Thread-safe as the system calls are.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "kms/base/bytes.h"
#include "kms/base/error.h"

namespace enfold {

// Owns a descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

struct LowerEntry {
  std::string name;
  std::uint8_t type;         // DT_*; DT_UNKNOWN where the filesystem does not say
  std::uint64_t number = 0;  // inode number
};

using StatX = struct statx;

class Files {
 public:
  Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  virtual ~Files() = default;

  // O_CLOEXEC is added. `dir` may be AT_FDCWD.
  virtual Result<Fd> open_at(int dir, const std::string& path, int flags, mode_t mode) = 0;
  virtual Result<Fd> duplicate(int fd) = 0;
  // Basic stats and birth time. With an empty path: of `dir` itself (AT_EMPTY_PATH). Never follows a symlink.
  virtual Result<StatX> stat_at(int dir, const std::string& path) = 0;
  virtual Result<struct statvfs> stat_filesystem(int fd) = 0;
  // All entries but "." and "..", in the filesystem's order, from the start of the directory.
  virtual Result<std::vector<LowerEntry>> list(int dir) = 0;

  virtual Result<std::size_t> read_at(int fd, MutableByteSpan out, std::uint64_t offset) = 0;
  virtual Result<std::size_t> write_at(int fd, ByteSpan in, std::uint64_t offset) = 0;
  virtual Result<void> truncate(int fd, std::uint64_t size) = 0;
  virtual Result<void> allocate(int fd, int mode, std::uint64_t offset, std::uint64_t size) = 0;  // fallocate
  // lseek(2) with SEEK_DATA or SEEK_HOLE; the descriptor's own position, which nothing uses, moves.
  virtual Result<std::uint64_t> seek(int fd, std::uint64_t offset, int whence) = 0;
  virtual Result<void> sync(int fd) = 0;       // fsync
  virtual Result<void> sync_data(int fd) = 0;  // fdatasync
  virtual Result<void> sync_filesystem(int fd) = 0;

  virtual Result<void> make_directory_at(int dir, const std::string& name, mode_t mode) = 0;
  virtual Result<void> unlink_at(int dir, const std::string& name, int flags) = 0;  // flags: 0, AT_REMOVEDIR
  virtual Result<void> rename_at(int from_dir, const std::string& from, int to_dir, const std::string& to,
                                 unsigned flags) = 0;  // flags: as renameat2(2)
  // Links what `fd` names (any descriptor, O_PATH too) under a new name.
  virtual Result<void> link_at(int fd, int to_dir, const std::string& to) = 0;

  // Metadata by descriptor; O_PATH descriptors are taken too (by way of /proc/self/fd or AT_EMPTY_PATH).
  virtual Result<Fd> reopen(int fd, int flags) = 0;
  virtual Result<void> set_mode(int fd, mode_t mode) = 0;
  virtual Result<void> set_owner(int fd, uid_t uid, gid_t gid) = 0;  // -1 leaves one as it is
  virtual Result<void> set_times(int fd, const std::array<timespec, 2>& access_and_modification) = 0;
  virtual Result<Bytes> get_xattr(int fd, const std::string& name) = 0;
  virtual Result<void> set_xattr(int fd, const std::string& name, ByteSpan value, int flags) = 0;
  virtual Result<std::vector<std::string>> list_xattrs(int fd) = 0;
  virtual Result<void> remove_xattr(int fd, const std::string& name) = 0;

  // Open-file-description lock on the whole file: exclusive where `fd` is open for writing, else shared.
  // kBusy where another holds one that does not go with it.
  virtual Result<void> lock(int fd) = 0;
};

// Virtual calls may be overridden one by one, for a test.
class PosixFiles : public Files {
 public:
  Result<Fd> open_at(int dir, const std::string& path, int flags, mode_t mode) override;
  Result<Fd> duplicate(int fd) override;
  Result<StatX> stat_at(int dir, const std::string& path) override;
  Result<struct statvfs> stat_filesystem(int fd) override;
  Result<std::vector<LowerEntry>> list(int dir) override;
  Result<std::size_t> read_at(int fd, MutableByteSpan out, std::uint64_t offset) override;
  Result<std::size_t> write_at(int fd, ByteSpan in, std::uint64_t offset) override;
  Result<void> truncate(int fd, std::uint64_t size) override;
  Result<void> allocate(int fd, int mode, std::uint64_t offset, std::uint64_t size) override;
  Result<std::uint64_t> seek(int fd, std::uint64_t offset, int whence) override;
  Result<void> sync(int fd) override;
  Result<void> sync_data(int fd) override;
  Result<void> sync_filesystem(int fd) override;
  Result<void> make_directory_at(int dir, const std::string& name, mode_t mode) override;
  Result<void> unlink_at(int dir, const std::string& name, int flags) override;
  Result<void> rename_at(int from_dir, const std::string& from, int to_dir, const std::string& to,
                         unsigned flags) override;
  Result<void> link_at(int fd, int to_dir, const std::string& to) override;
  Result<Fd> reopen(int fd, int flags) override;
  Result<void> set_mode(int fd, mode_t mode) override;
  Result<void> set_owner(int fd, uid_t uid, gid_t gid) override;
  Result<void> set_times(int fd, const std::array<timespec, 2>& access_and_modification) override;
  Result<Bytes> get_xattr(int fd, const std::string& name) override;
  Result<void> set_xattr(int fd, const std::string& name, ByteSpan value, int flags) override;
  Result<std::vector<std::string>> list_xattrs(int fd) override;
  Result<void> remove_xattr(int fd, const std::string& name) override;
  Result<void> lock(int fd) override;
};

// Loops over short counts and EINTR. read_full returns less than out.size() only at the end of the file;
// write_full returns when all is written.
Result<std::size_t> read_full(Files& files, int fd, MutableByteSpan out, std::uint64_t offset);
Result<void> write_full(Files& files, int fd, ByteSpan in, std::uint64_t offset);

// The whole of a file of at most `limit` bytes; kInvalidArgument where it is larger.
Result<Bytes> read_file(Files& files, int dir, const std::string& path, std::size_t limit);

}  // namespace enfold
