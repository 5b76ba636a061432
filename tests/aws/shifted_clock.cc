// Preloaded into a daemon: its wall clock is ahead by as many milliseconds as the file says that
// ENFOLD_CLOCK_AHEAD names, an int64 that the test writes while the daemon runs.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSecond = 1'000 * kMillisecond;

const std::int64_t* ahead_ms() {
  static const std::int64_t kNone = 0;
  const char* path = std::getenv("ENFOLD_CLOCK_AHEAD");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return &kNone;
  void* memory = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  return memory == MAP_FAILED ? &kNone : static_cast<const std::int64_t*>(memory);
}

int real_clock_gettime(clockid_t clock, timespec* now) {
  static const auto kReal =
      reinterpret_cast<int (*)(clockid_t, timespec*)>(::dlsym(RTLD_NEXT, "clock_gettime"));
  return kReal(clock, now);
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  static const std::int64_t* const kAheadMs = ahead_ms();
  const int result = real_clock_gettime(clock, now);
  if (result != 0 || clock != CLOCK_REALTIME) return result;
  const std::int64_t ahead = __atomic_load_n(kAheadMs, __ATOMIC_RELAXED);
  const std::int64_t nanoseconds = now->tv_sec * kSecond + now->tv_nsec + ahead * kMillisecond;
  now->tv_sec = nanoseconds / kSecond;
  now->tv_nsec = nanoseconds % kSecond;
  return 0;
}
