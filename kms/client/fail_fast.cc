#include "kms/client/fail_fast.h"

#include <chrono>

namespace enfold {

Result<FailFast::Turn> FailFast::enter(const Deadline& deadline, bool may_probe) {
  std::unique_lock lock(mutex_);
  while (is_away_) {
    if (clock_.monotonic_ns() < until_ns_) return std::unexpected(why_);
    if (!is_probing_ && !may_probe) return Turn(*this, false);
    if (!is_probing_) {
      is_probing_ = true;
      return Turn(*this, true);
    }
    const bool has_changed = changed_.wait_for(lock, std::chrono::nanoseconds(deadline.left_ns()),
                                               [this] { return !is_probing_ || !is_away_; });
    if (!has_changed) return std::unexpected(why_);
  }
  return Turn(*this, false);
}

void FailFast::learn(const Error* away) {
  {
    const std::lock_guard lock(mutex_);
    if (away != nullptr) {
      why_ = *away;
      until_ns_ = clock_.monotonic_ns() + window_ns_;
    }
    is_away_ = away != nullptr;
  }
  changed_.notify_all();
}

void FailFast::stop_probing() {
  {
    const std::lock_guard lock(mutex_);
    is_probing_ = false;
  }
  changed_.notify_all();
}

}  // namespace enfold
