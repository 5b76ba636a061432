#include "fs/volume/range_lock.h"

namespace enfold {

RangeLock::Hold::Hold(RangeLock& lock, std::uint64_t first, std::uint64_t last)
    : lock_(lock), first_(first), last_(last) {
  std::unique_lock guard(lock_.mutex_);
  earlier_ = lock_.newest_;
  if (earlier_ != nullptr) earlier_->later_ = this;
  lock_.newest_ = this;
  ++lock_.waiting_;
  lock_.released_.wait(guard, [this] { return !must_wait(*this); });
  --lock_.waiting_;
}

RangeLock::Hold::~Hold() {
  std::lock_guard guard(lock_.mutex_);
  if (earlier_ != nullptr) earlier_->later_ = later_;
  if (later_ != nullptr)
    later_->earlier_ = earlier_;
  else
    lock_.newest_ = earlier_;
  if (lock_.waiting_ > 0) lock_.released_.notify_all();
}

bool RangeLock::must_wait(const Hold& hold) {
  for (const Hold* other = hold.earlier_; other != nullptr; other = other->earlier_)
    if (hold.overlaps(*other)) return true;
  return false;
}

}  // namespace enfold
