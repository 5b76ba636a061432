// The moment by which something must have ended.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kms/base/clock.h"

namespace enfold {

inline constexpr std::int64_t kNsPerMs = 1'000'000;

class Deadline {
 public:
  // `clock` outlives the deadline.
  Deadline(Clock& clock, std::int64_t timeout_ns)
      : clock_(clock), end_ns_(clock.monotonic_ns() + timeout_ns) {}

  [[nodiscard]] std::int64_t left_ns() const {
    return std::max(end_ns_ - clock_.monotonic_ns(), std::int64_t{0});
  }

 private:
  Clock& clock_;
  std::int64_t end_ns_;
};

}  // namespace enfold
