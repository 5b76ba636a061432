#include "kms/base/files.h"

#include <dirent.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace enfold {
namespace {

Result<void> status(int result, std::string_view what) {
  if (result < 0) return system_error(errno, what);
  return {};
}

Result<std::size_t> count(ssize_t result, std::string_view what) {
  if (result < 0) return system_error(errno, what);
  return static_cast<std::size_t>(result);
}

// A signal may end these early where the filesystem waits for a server, or for a FIFO's other end; nothing
// has happened then. (read_full and write_full see to the others that a signal ends.)
template <class Call>
int restarted(const Call& call) {
  for (;;) {
    const int result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

Result<Fd> descriptor(int result, std::string_view what) {
  if (result < 0) return system_error(errno, what);
  return Fd(result);
}

// The kernel resolves this to what the descriptor names, O_PATH or not, without walking any path again.
struct ProcPath {
  explicit ProcPath(int fd) { (void)std::snprintf(text.data(), text.size(), "/proc/self/fd/%d", fd); }
  [[nodiscard]] const char* c_str() const { return text.data(); }
  std::array<char, 40> text{};
};

// By descriptor where it is no O_PATH one: that spares the kernel a walk through /proc.
ssize_t get_xattr_of(int fd, const char* name, Bytes& value) {
  const ssize_t size = ::fgetxattr(fd, name, value.data(), value.size());
  if (size >= 0 || errno != EBADF) return size;
  return ::getxattr(ProcPath(fd).c_str(), name, value.data(), value.size());
}

bool is_dot(const char* name) { return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0; }

void append_entries(std::span<const char> block, std::vector<LowerEntry>& out) {
  std::size_t at = 0;
  while (at < block.size()) {
    const auto* entry = reinterpret_cast<const dirent64*>(block.data() + at);
    if (!is_dot(entry->d_name)) out.push_back({entry->d_name, entry->d_type, entry->d_ino});
    at += entry->d_reclen;
  }
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Fd> PosixFiles::open_at(int dir, const std::string& path, int flags, mode_t mode) {
  return descriptor(restarted([&] { return ::openat(dir, path.c_str(), flags | O_CLOEXEC, mode); }),
                    "openat");
}

Result<Fd> PosixFiles::duplicate(int fd) { return descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 0), "dup"); }

Result<StatX> PosixFiles::stat_at(int dir, const std::string& path) {
  StatX out{};
  int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (path.empty() ? AT_EMPTY_PATH : 0);
  ENFOLD_TRY(status(::statx(dir, path.c_str(), flags, STATX_BASIC_STATS | STATX_BTIME, &out), "statx"));
  return out;
}

Result<struct statvfs> PosixFiles::stat_filesystem(int fd) {
  struct statvfs out {};
  ENFOLD_TRY(status(::fstatvfs(fd, &out), "fstatvfs"));
  return out;
}

Result<std::vector<LowerEntry>> PosixFiles::list(int dir) {
  if (::lseek(dir, 0, SEEK_SET) < 0) return system_error(errno, "lseek");
  std::vector<LowerEntry> out;
  alignas(dirent64) std::array<char, 32 * 1024> block;
  for (;;) {
    long got = ::syscall(SYS_getdents64, dir, block.data(), block.size());
    if (got < 0) return system_error(errno, "getdents");
    if (got == 0) return out;
    append_entries(std::span(block).first(static_cast<std::size_t>(got)), out);
  }
}

Result<std::size_t> PosixFiles::read_at(int fd, MutableByteSpan out, std::uint64_t offset) {
  return count(::pread(fd, out.data(), out.size(), static_cast<off_t>(offset)), "pread");
}

Result<std::size_t> PosixFiles::write_at(int fd, ByteSpan in, std::uint64_t offset) {
  return count(::pwrite(fd, in.data(), in.size(), static_cast<off_t>(offset)), "pwrite");
}

Result<void> PosixFiles::truncate(int fd, std::uint64_t size) {
  return status(restarted([&] { return ::ftruncate(fd, static_cast<off_t>(size)); }), "ftruncate");
}

Result<void> PosixFiles::allocate(int fd, int mode, std::uint64_t offset, std::uint64_t size) {
  return status(
      restarted([&] { return ::fallocate(fd, mode, static_cast<off_t>(offset), static_cast<off_t>(size)); }),
      "fallocate");
}

Result<std::uint64_t> PosixFiles::seek(int fd, std::uint64_t offset, int whence) {
  const off_t found = ::lseek(fd, static_cast<off_t>(offset), whence);
  if (found < 0) return system_error(errno, "lseek");
  return static_cast<std::uint64_t>(found);
}

Result<void> PosixFiles::sync(int fd) {
  return status(restarted([&] { return ::fsync(fd); }), "fsync");
}
Result<void> PosixFiles::sync_data(int fd) {
  return status(restarted([&] { return ::fdatasync(fd); }), "fdatasync");
}
Result<void> PosixFiles::sync_filesystem(int fd) {
  return status(restarted([&] { return ::syncfs(fd); }), "syncfs");
}

Result<void> PosixFiles::make_directory_at(int dir, const std::string& name, mode_t mode) {
  return status(::mkdirat(dir, name.c_str(), mode), "mkdirat");
}

Result<void> PosixFiles::unlink_at(int dir, const std::string& name, int flags) {
  return status(::unlinkat(dir, name.c_str(), flags), "unlinkat");
}

Result<void> PosixFiles::rename_at(int from_dir, const std::string& from, int to_dir, const std::string& to,
                                   unsigned flags) {
  return status(::renameat2(from_dir, from.c_str(), to_dir, to.c_str(), flags), "renameat2");
}

Result<void> PosixFiles::link_at(int fd, int to_dir, const std::string& to) {
  return status(::linkat(AT_FDCWD, ProcPath(fd).c_str(), to_dir, to.c_str(), AT_SYMLINK_FOLLOW), "linkat");
}

Result<Fd> PosixFiles::reopen(int fd, int flags) {
  return descriptor(restarted([&] { return ::open(ProcPath(fd).c_str(), flags | O_CLOEXEC); }), "open");
}

Result<void> PosixFiles::set_mode(int fd, mode_t mode) {
  return status(::chmod(ProcPath(fd).c_str(), mode), "chmod");
}

Result<void> PosixFiles::set_owner(int fd, uid_t uid, gid_t gid) {
  return status(::fchownat(fd, "", uid, gid, AT_EMPTY_PATH), "fchownat");
}

Result<void> PosixFiles::set_times(int fd, const std::array<timespec, 2>& access_and_modification) {
  return status(::utimensat(fd, "", access_and_modification.data(), AT_EMPTY_PATH), "utimensat");
}

Result<Bytes> PosixFiles::get_xattr(int fd, const std::string& name) {
  constexpr std::size_t kMostValuesFit = 256;  // clearing room for the longest costs more than asking again
  Bytes value;
  for (std::size_t room : {kMostValuesFit, std::size_t{XATTR_SIZE_MAX}}) {
    value.resize(room);
    auto size = count(get_xattr_of(fd, name.c_str(), value), "getxattr");
    if (!size && size.error().errno_value == ERANGE && room == kMostValuesFit) continue;
    if (!size) return std::unexpected(std::move(size).error());
    value.resize(*size);
    break;
  }
  return value;
}

Result<void> PosixFiles::set_xattr(int fd, const std::string& name, ByteSpan value, int flags) {
  return status(::setxattr(ProcPath(fd).c_str(), name.c_str(), value.data(), value.size(), flags),
                "setxattr");
}

Result<std::vector<std::string>> PosixFiles::list_xattrs(int fd) {
  std::string block(XATTR_LIST_MAX, '\0');
  ENFOLD_TRY_ASSIGN(std::size_t size,
                    count(::listxattr(ProcPath(fd).c_str(), block.data(), block.size()), "listxattr"));
  std::vector<std::string> names;
  for (std::size_t at = 0; at < size; at += names.back().size() + 1) names.emplace_back(block.c_str() + at);
  return names;
}

Result<void> PosixFiles::remove_xattr(int fd, const std::string& name) {
  return status(::removexattr(ProcPath(fd).c_str(), name.c_str()), "removexattr");
}

Result<void> PosixFiles::lock(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return system_error(errno, "fcntl(F_GETFL)");
  struct flock whole {};
  whole.l_type = (flags & O_ACCMODE) == O_RDONLY ? F_RDLCK : F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(fd, F_OFD_SETLK, &whole) == 0) return {};
  if (errno == EAGAIN || errno == EACCES) return make_error(Errc::kBusy, "locked by another process");
  return system_error(errno, "fcntl(F_OFD_SETLK)");
}

namespace {

bool interrupted(const Error& error) { return error.code == Errc::kSystem && error.errno_value == EINTR; }

}  // namespace

Result<std::size_t> read_full(Files& files, int fd, MutableByteSpan out, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < out.size()) {
    auto got = files.read_at(fd, out.subspan(done), offset + done);
    if (!got && interrupted(got.error())) continue;
    if (!got) return std::unexpected(std::move(got).error());
    if (*got == 0) break;
    done += *got;
  }
  return done;
}

Result<void> write_full(Files& files, int fd, ByteSpan in, std::uint64_t offset) {
  while (!in.empty()) {
    auto put = files.write_at(fd, in, offset);
    if (!put && interrupted(put.error())) continue;
    if (!put) return std::unexpected(std::move(put).error());
    if (*put == 0) return system_error(EIO, "pwrite wrote nothing");
    in = in.subspan(*put);
    offset += *put;
  }
  return {};
}

Result<Bytes> read_file(Files& files, int dir, const std::string& path, std::size_t limit) {
  ENFOLD_TRY_ASSIGN(Fd fd, files.open_at(dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0));
  Bytes content(limit + 1);
  ENFOLD_TRY_ASSIGN(std::size_t size, read_full(files, fd.get(), content, 0));
  if (size > limit) return make_error(Errc::kInvalidArgument, path + " is larger than expected");
  content.resize(size);
  return content;
}

}  // namespace enfold
