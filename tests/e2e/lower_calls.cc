// A library to preload into the program under test: it counts the libc calls that change something at or
// below the directories of ENFOLD_CALLS_BELOW (separated by ':'), and makes the one of number ENFOLD_CALLS_AT
// (from 1) special: ENFOLD_CALLS_DO is `kill-before` or `kill-after` (SIGKILL), `short` (a write of half the
// bytes), or an errno's number, which that call and, with ENFOLD_CALLS_ON=1, all after it fail with.
// ENFOLD_CALLS_COUNT names a file that holds the count (8 bytes, mapped), so that it outlives the process.
#undef _FILE_OFFSET_BITS  // it would make one of pwrite and pwrite64; both are wrapped
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

enum class Act { kNothing, kKillBefore, kKillAfter, kShort, kFail };

struct Settings {
  std::string below;
  std::uint64_t at = 0;
  Act act = Act::kNothing;
  int error = 0;
  bool on = false;
  std::atomic<std::uint64_t>* count = nullptr;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// 0 where there is none.
int number_in(const char* text) { return static_cast<int>(std::strtol(text, nullptr, 10)); }

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

std::atomic<std::uint64_t>* map_count(const std::string& path) {
  static std::atomic<std::uint64_t> own{0};
  if (path.empty()) return &own;
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) std::abort();
  void* mapped = ::mmap(nullptr, sizeof(own), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) std::abort();
  ::close(fd);
  return static_cast<std::atomic<std::uint64_t>*>(mapped);
}

Settings read_settings() {
  Settings settings;
  settings.below = environment("ENFOLD_CALLS_BELOW");
  settings.at = std::strtoull(environment("ENFOLD_CALLS_AT").c_str(), nullptr, 10);
  settings.on = environment("ENFOLD_CALLS_ON") == "1";
  const std::string act = environment("ENFOLD_CALLS_DO");
  if (act == "kill-before")
    settings.act = Act::kKillBefore;
  else if (act == "kill-after")
    settings.act = Act::kKillAfter;
  else if (act == "short")
    settings.act = Act::kShort;
  else if (!act.empty())
    settings.act = Act::kFail, settings.error = number_in(act.c_str());
  settings.count = map_count(environment("ENFOLD_CALLS_COUNT"));
  return settings;
}

const Settings& settings() {
  static const Settings read = read_settings();
  return read;
}

// Text that is at or below one of the directories.
bool is_below(std::string_view path) {
  std::string_view rest = settings().below;
  while (!rest.empty()) {
    const std::size_t end = rest.find(':');
    const std::string_view directory = rest.substr(0, end);
    if (path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/'))
      return true;
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return false;
}

// What the kernel calls the place of a descriptor; of one that has no name any more, its last with "
// (deleted)".
bool is_below(int fd) {
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  std::array<char, PATH_MAX> path;
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  return size > 0 && is_below(std::string_view(path.data(), static_cast<std::size_t>(size)));
}

bool is_below(int dir, const char* path) {
  constexpr std::string_view kDescriptor = "/proc/self/fd/";
  const std::string_view name(path);
  if (name.starts_with(kDescriptor)) return is_below(number_in(path + kDescriptor.size()));
  if (name.starts_with('/')) return is_below(name);
  return dir != AT_FDCWD && is_below(dir);
}

// Others end with EINTR on no filesystem that keeps its data on this machine.
bool may_be_interrupted(std::string_view name) {
  for (const std::string_view one :
       {"pwrite", "openat", "ftruncate", "fallocate", "fsync", "fdatasync", "syncfs"})
    if (name.starts_with(one)) return true;
  return false;
}

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

// What becomes of one call. Counts it.
class Call {
 public:
  Call(const char* name, bool counts) {
    if (!counts) return;
    const std::uint64_t number = settings().count->fetch_add(1) + 1;
    if (number != settings().at && !(settings().on && settings().at != 0 && number > settings().at)) return;
    if (settings().act == Act::kFail && settings().error == EINTR && !may_be_interrupted(name)) return;
    act_ = settings().act;
    if (act_ != Act::kNothing)
      ::dprintf(STDERR_FILENO, "lower call %llu, %s, is special\n", static_cast<unsigned long long>(number),
                name);
    if (act_ == Act::kKillBefore) die();
  }

  [[nodiscard]] bool fails() const {
    if (act_ == Act::kFail) errno = settings().error;
    return act_ == Act::kFail;
  }
  [[nodiscard]] std::size_t shortened(std::size_t size) const {
    return act_ == Act::kShort && size > 1 ? size / 2 : size;
  }
  template <class Answer>
  Answer after(Answer answer) const {
    if (act_ == Act::kKillAfter) die();
    return answer;
  }

 private:
  Act act_ = Act::kNothing;
};

template <class Function, class... Arguments>
auto call(const char* name, bool counts, Arguments... arguments) {
  static Function* const next = real<Function>(name);
  const Call one(name, counts);
  using Answer = decltype(next(arguments...));
  if (one.fails()) return static_cast<Answer>(-1);
  return one.after(next(arguments...));
}

mode_t mode_of(int flags, va_list rest) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(rest, int)) : 0;
}

ssize_t write_at(const char* name, int fd, const void* data, std::size_t size, off_t offset) {
  const Call one(name, is_below(fd));
  if (one.fails()) return -1;
  return one.after(
      real<ssize_t(int, const void*, std::size_t, off_t)>(name)(fd, data, one.shortened(size), offset));
}

}  // namespace

extern "C" {

ssize_t pwrite(int fd, const void* data, std::size_t size, off_t offset) {
  return write_at("pwrite", fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void* data, std::size_t size, off64_t offset) {
  return write_at("pwrite64", fd, data, size, offset);
}
int openat(int dir, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return call<int(int, const char*, int, ...)>("openat", (flags & O_CREAT) != 0 && is_below(dir, path), dir,
                                               path, flags, mode);
}
int openat64(int dir, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return call<int(int, const char*, int, ...)>("openat64", (flags & O_CREAT) != 0 && is_below(dir, path), dir,
                                               path, flags, mode);
}

int ftruncate(int fd, off_t size) noexcept {
  return call<int(int, off_t)>("ftruncate", is_below(fd), fd, size);
}
int ftruncate64(int fd, off64_t size) noexcept {
  return call<int(int, off64_t)>("ftruncate64", is_below(fd), fd, size);
}
int fallocate(int fd, int mode, off_t offset, off_t size) {
  return call<int(int, int, off_t, off_t)>("fallocate", is_below(fd), fd, mode, offset, size);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t size) {
  return call<int(int, int, off64_t, off64_t)>("fallocate64", is_below(fd), fd, mode, offset, size);
}
int fsync(int fd) { return call<int(int)>("fsync", is_below(fd), fd); }
int fdatasync(int fd) { return call<int(int)>("fdatasync", is_below(fd), fd); }
int syncfs(int fd) noexcept { return call<int(int)>("syncfs", is_below(fd), fd); }

int mkdirat(int dir, const char* path, mode_t mode) noexcept {
  return call<int(int, const char*, mode_t)>("mkdirat", is_below(dir, path), dir, path, mode);
}
int unlinkat(int dir, const char* path, int flags) noexcept {
  return call<int(int, const char*, int)>("unlinkat", is_below(dir, path), dir, path, flags);
}
int renameat2(int from_dir, const char* from, int to_dir, const char* to, unsigned flags) noexcept {
  return call<int(int, const char*, int, const char*, unsigned)>(
      "renameat2", is_below(from_dir, from) || is_below(to_dir, to), from_dir, from, to_dir, to, flags);
}
int linkat(int from_dir, const char* from, int to_dir, const char* to, int flags) noexcept {
  return call<int(int, const char*, int, const char*, int)>("linkat", is_below(to_dir, to), from_dir, from,
                                                            to_dir, to, flags);
}

int chmod(const char* path, mode_t mode) noexcept {
  return call<int(const char*, mode_t)>("chmod", is_below(AT_FDCWD, path), path, mode);
}
int fchmod(int fd, mode_t mode) noexcept { return call<int(int, mode_t)>("fchmod", is_below(fd), fd, mode); }
int fchownat(int dir, const char* path, uid_t uid, gid_t gid, int flags) noexcept {
  return call<int(int, const char*, uid_t, gid_t, int)>("fchownat", is_below(dir, path), dir, path, uid, gid,
                                                        flags);
}
int utimensat(int dir, const char* path, const timespec* times, int flags) noexcept {
  return call<int(int, const char*, const timespec*, int)>("utimensat", is_below(dir, path), dir, path, times,
                                                           flags);
}
int futimens(int fd, const timespec* times) noexcept {
  return call<int(int, const timespec*)>("futimens", is_below(fd), fd, times);
}
int setxattr(const char* path, const char* name, const void* value, std::size_t size, int flags) noexcept {
  return call<int(const char*, const char*, const void*, std::size_t, int)>(
      "setxattr", is_below(AT_FDCWD, path), path, name, value, size, flags);
}
int removexattr(const char* path, const char* name) noexcept {
  return call<int(const char*, const char*)>("removexattr", is_below(AT_FDCWD, path), path, name);
}

}  // extern "C"
