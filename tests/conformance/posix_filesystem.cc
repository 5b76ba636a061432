#include "tests/conformance/posix_filesystem.h"

#include <dirent.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace enfold {
namespace {

template <class T>
Result<void> done(T result) {
  return result < 0 ? Result<void>(system_error(errno, "system call")) : Result<void>{};
}

Result<struct stat> done(int result, const struct stat& status) {
  ENFOLD_TRY(done(result));
  return status;
}

off_t signed_offset(std::uint64_t offset) { return static_cast<off_t>(offset); }

// A range of a file, mapped shared for reading and writing.
class Mapping {
 public:
  Mapping(int fd, std::uint64_t offset, std::size_t size)
      : before_(offset % kPage),
        size_(before_ + size),
        start_(::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                      signed_offset(offset - before_))) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (valid()) ::munmap(start_, size_);
  }
  [[nodiscard]] bool valid() const { return start_ != MAP_FAILED; }
  [[nodiscard]] char* data() const { return static_cast<char*>(start_) + before_; }

 private:
  static constexpr std::uint64_t kPage = 4096;
  std::size_t before_;
  std::size_t size_;
  void* start_;
};

}  // namespace

PosixFilesystem::~PosixFilesystem() {
  if (has_umask_) ::umask(umask_before_);
}

void PosixFilesystem::set_umask(mode_t mask) {
  const mode_t before = ::umask(mask);
  if (!has_umask_) umask_before_ = before;
  has_umask_ = true;
}

// Of a slot where nothing is open one that nobody has: EBADF.
int PosixFilesystem::descriptor(Slot slot) const {
  constexpr int kNobodys = std::numeric_limits<int>::max();
  const auto found = open_.find(slot);
  return found == open_.end() ? kNobodys : found->second.get();
}

Result<void> PosixFilesystem::mkdir(const std::string& path, mode_t mode) {
  return done(::mkdir(at(path).c_str(), mode));
}

Result<void> PosixFilesystem::mknod(const std::string& path, mode_t mode, dev_t device) {
  return done(::mknod(at(path).c_str(), mode, device));
}

Result<void> PosixFilesystem::symlink(const std::string& target, const std::string& path) {
  return done(::symlink(target.c_str(), at(path).c_str()));
}

Result<void> PosixFilesystem::link(const std::string& from, const std::string& to) {
  return done(::link(at(from).c_str(), at(to).c_str()));
}

Result<void> PosixFilesystem::unlink(const std::string& path) { return done(::unlink(at(path).c_str())); }

Result<void> PosixFilesystem::rmdir(const std::string& path) { return done(::rmdir(at(path).c_str())); }

Result<void> PosixFilesystem::rename(const std::string& from, const std::string& to, unsigned flags) {
  return done(::renameat2(AT_FDCWD, at(from).c_str(), AT_FDCWD, at(to).c_str(), flags));
}

Result<std::string> PosixFilesystem::readlink(const std::string& path) {
  std::string target(8192, '\0');
  const ssize_t size = ::readlink(at(path).c_str(), target.data(), target.size());
  ENFOLD_TRY(done(size));
  target.resize(static_cast<std::size_t>(size));
  return target;
}

Result<std::map<std::string, mode_t>> PosixFilesystem::list(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(at(path).c_str()), ::closedir);
  if (!directory) return system_error(errno, "opendir");
  std::map<std::string, mode_t> names;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names[name] = static_cast<mode_t>(DTTOIF(entry->d_type));
  }
  if (errno != 0) return system_error(errno, "readdir");
  return names;
}

Result<void> PosixFilesystem::open(Slot slot, const std::string& path, int flags, mode_t mode) {
  const int fd = ::open(at(path).c_str(), flags | O_CLOEXEC, mode);
  ENFOLD_TRY(done(fd));
  open_[slot] = Fd(fd);
  return {};
}

Result<void> PosixFilesystem::close(Slot slot) {
  const auto found = open_.find(slot);
  if (found == open_.end()) return system_error(EBADF, "close");
  const int fd = found->second.release();
  open_.erase(found);
  return done(::close(fd));
}

Result<std::string> PosixFilesystem::read(Slot slot, std::uint64_t offset, std::size_t size) {
  std::string data(size, '\0');
  const ssize_t got = ::pread(descriptor(slot), data.data(), size, signed_offset(offset));
  ENFOLD_TRY(done(got));
  data.resize(static_cast<std::size_t>(got));
  return data;
}

Result<void> PosixFilesystem::write(Slot slot, std::uint64_t offset, std::string_view data) {
  const ssize_t put = ::pwrite(descriptor(slot), data.data(), data.size(), signed_offset(offset));
  ENFOLD_TRY(done(put));
  return static_cast<std::size_t>(put) == data.size() ? Result<void>{} : system_error(ENOSPC, "short write");
}

Result<void> PosixFilesystem::allocate(Slot slot, int mode, std::uint64_t offset, std::uint64_t length) {
  return done(::fallocate(descriptor(slot), mode, signed_offset(offset), signed_offset(length)));
}

Result<std::uint64_t> PosixFilesystem::seek(Slot slot, std::uint64_t offset, int whence) {
  const off_t to = ::lseek(descriptor(slot), signed_offset(offset), whence);
  ENFOLD_TRY(done(to));
  return static_cast<std::uint64_t>(to);
}

Result<void> PosixFilesystem::sync(Slot slot) { return done(::fsync(descriptor(slot))); }

Result<void> PosixFilesystem::copy(Slot from, std::uint64_t from_offset, Slot to, std::uint64_t to_offset,
                                   std::size_t size) {
  off_t in = signed_offset(from_offset);
  off_t out = signed_offset(to_offset);
  while (size > 0) {
    const ssize_t copied = ::copy_file_range(descriptor(from), &in, descriptor(to), &out, size, 0);
    ENFOLD_TRY(done(copied));
    if (copied == 0) break;
    size -= static_cast<std::size_t>(copied);
  }
  return {};
}

Result<std::string> PosixFilesystem::read_mapped(Slot slot, std::uint64_t offset, std::size_t size) {
  const Mapping mapping(descriptor(slot), offset, size);
  if (!mapping.valid()) return system_error(errno, "mmap");
  return std::string(mapping.data(), size);
}

Result<void> PosixFilesystem::write_mapped(Slot slot, std::uint64_t offset, std::string_view data) {
  const Mapping mapping(descriptor(slot), offset, data.size());
  if (!mapping.valid()) return system_error(errno, "mmap");
  std::ranges::copy(data, mapping.data());
  return {};
}

Result<struct stat> PosixFilesystem::lstat(const std::string& path) {
  struct stat status {};
  return done(::lstat(at(path).c_str(), &status), status);
}

Result<struct stat> PosixFilesystem::stat(const std::string& path) {
  struct stat status {};
  return done(::stat(at(path).c_str(), &status), status);
}

Result<struct stat> PosixFilesystem::fstat(Slot slot) {
  struct stat status {};
  return done(::fstat(descriptor(slot), &status), status);
}

Result<void> PosixFilesystem::truncate(const std::string& path, std::uint64_t length) {
  return done(::truncate(at(path).c_str(), signed_offset(length)));
}

Result<void> PosixFilesystem::ftruncate(Slot slot, std::uint64_t length) {
  return done(::ftruncate(descriptor(slot), signed_offset(length)));
}

Result<void> PosixFilesystem::chmod(const std::string& path, mode_t mode) {
  return done(::chmod(at(path).c_str(), mode));
}

Result<void> PosixFilesystem::fchmod(Slot slot, mode_t mode) {
  return done(::fchmod(descriptor(slot), mode));
}

Result<void> PosixFilesystem::lchown(const std::string& path, uid_t uid, gid_t gid) {
  return done(::lchown(at(path).c_str(), uid, gid));
}

Result<void> PosixFilesystem::fchown(Slot slot, uid_t uid, gid_t gid) {
  return done(::fchown(descriptor(slot), uid, gid));
}

Result<void> PosixFilesystem::set_times(const std::string& path, const Times& times) {
  return done(::utimensat(AT_FDCWD, at(path).c_str(), times.data(), AT_SYMLINK_NOFOLLOW));
}

Result<void> PosixFilesystem::set_times(Slot slot, const Times& times) {
  // The kernel does not look at the descriptor where both times are to be left.
  if (!open_.contains(slot)) return system_error(EBADF, "futimens");
  return done(::futimens(descriptor(slot), times.data()));
}

Result<std::string> PosixFilesystem::get_xattr(const std::string& path, const std::string& name) {
  std::string value(65536, '\0');
  const ssize_t size = ::lgetxattr(at(path).c_str(), name.c_str(), value.data(), value.size());
  ENFOLD_TRY(done(size));
  value.resize(static_cast<std::size_t>(size));
  return value;
}

Result<void> PosixFilesystem::set_xattr(const std::string& path, const std::string& name,
                                        std::string_view value, int flags) {
  return done(::lsetxattr(at(path).c_str(), name.c_str(), value.data(), value.size(), flags));
}

Result<void> PosixFilesystem::remove_xattr(const std::string& path, const std::string& name) {
  return done(::lremovexattr(at(path).c_str(), name.c_str()));
}

Result<std::set<std::string>> PosixFilesystem::list_xattrs(const std::string& path) {
  std::string list(65536, '\0');
  const ssize_t size = ::llistxattr(at(path).c_str(), list.data(), list.size());
  ENFOLD_TRY(done(size));
  list.resize(static_cast<std::size_t>(size));
  std::set<std::string> names;
  for (std::size_t begin = 0; begin < list.size();) {
    const std::string name = list.c_str() + begin;
    begin += name.size() + 1;
    // The host's own labels, where it has any.
    if (!name.starts_with("security.")) names.insert(name);
  }
  return names;
}

}  // namespace enfold
