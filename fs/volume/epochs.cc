#include "fs/volume/epochs.h"

namespace enfold {

CrashEpoch Epochs::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

CrashEpoch Epochs::durable() const {
  const std::lock_guard lock(mutex_);
  return durable_;
}

bool Epochs::is_durable(const CrashEpoch& epoch) const { return epoch <= durable(); }

void Epochs::changed() {
  if (changed_.exchange(true, std::memory_order_acq_rel)) return;
  if (listener_) listener_();
}

CrashEpoch Epochs::end_epoch() {
  const std::unique_lock nobody(gate_);
  const std::lock_guard lock(mutex_);
  changed_.store(false, std::memory_order_release);
  const CrashEpoch ended = current_;
  ++current_.checkpoint;
  return ended;
}

void Epochs::set_durable(const CrashEpoch& epoch) {
  const std::lock_guard lock(mutex_);
  durable_ = epoch;
}

}  // namespace enfold
