// Time as a seam.
#pragma once

#include <cstdint>

namespace enfold {

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  virtual std::int64_t monotonic_ns() = 0;  // for ages and time-outs; a sleep of the machine counts
  virtual std::int64_t unix_ms() = 0;       // for records; may jump
};

class SystemClock final : public Clock {
 public:
  std::int64_t monotonic_ns() override;
  std::int64_t unix_ms() override;
};

}  // namespace enfold
