// How often a log line may be written that others can provoke. Thread-safe.
#pragma once

#include <mutex>
#include <optional>
#include <utility>

#include "kms/base/clock.h"

namespace enfold {

class LineLimit {
 public:
  // One line in `every_ms`.
  LineLimit(Clock& clock, std::int64_t every_ms) : clock_(clock), every_ns_(every_ms * 1'000'000) {}

  // Nothing where the line is to be left out; else how many were, since the last one.
  std::optional<std::uint64_t> allow() {
    const std::lock_guard lock(mutex_);
    const std::int64_t now = clock_.monotonic_ns();
    if (next_ns_ && now < *next_ns_) {
      ++left_out_;
      return std::nullopt;
    }
    next_ns_ = now + every_ns_;
    return std::exchange(left_out_, 0);
  }

 private:
  Clock& clock_;
  const std::int64_t every_ns_;
  std::mutex mutex_;
  std::optional<std::int64_t> next_ns_;
  std::uint64_t left_out_ = 0;
};

}  // namespace enfold
