#include "kms/client/fail_fast.h"

#include <chrono>

namespace enfold {

Result<FailFast::Entry> FailFast::enter(const Deadline& deadline, bool may_probe) {
  std::unique_lock lock(mutex_);
  while (is_away_) {
    if (clock_.monotonic_ns() < until_ns_) return std::unexpected(why_);
    if (!is_probing_ && !may_probe) return Entry::kNormal;
    if (!is_probing_) {
      is_probing_ = true;
      return Entry::kProbe;
    }
    const bool has_changed = changed_.wait_for(lock, std::chrono::nanoseconds(deadline.left_ns()),
                                               [this] { return !is_probing_ || !is_away_; });
    if (!has_changed) return std::unexpected(why_);
  }
  return Entry::kNormal;
}

void FailFast::leave(Entry entry, const Error* away) {
  {
    const std::lock_guard lock(mutex_);
    if (entry == Entry::kProbe) is_probing_ = false;
    is_away_ = away != nullptr;
    if (away != nullptr) {
      why_ = *away;
      until_ns_ = clock_.monotonic_ns() + window_ns_;
    }
  }
  changed_.notify_all();
}

}  // namespace enfold
