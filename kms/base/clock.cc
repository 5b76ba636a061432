#include "kms/base/clock.h"

#include <ctime>

namespace enfold {

std::int64_t SystemClock::monotonic_ns() {
  timespec now{};
  // CLOCK_MONOTONIC stands still while the machine sleeps, and data keys would outlive their minute by that.
  (void)::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::int64_t SystemClock::unix_ms() {
  timespec now{};
  (void)::clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace enfold
