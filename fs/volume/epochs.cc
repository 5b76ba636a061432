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
  if (!sync_failure_) durable_ = epoch;
}

void Epochs::sync_failed(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!sync_failure_) sync_failure_ = error;
}

std::optional<Error> Epochs::sync_failure() const {
  const std::lock_guard lock(mutex_);
  return sync_failure_;
}

}  // namespace enfold
