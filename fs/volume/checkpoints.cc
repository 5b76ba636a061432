#include "fs/volume/checkpoints.h"

#include "kms/base/log.h"

namespace enfold {
namespace {

// As often as ext4 commits its journal.
constexpr std::chrono::seconds kInterval{5};
constexpr std::chrono::seconds kRetryInterval{60};  // of a recovery that had to leave something undone

}  // namespace

Result<void> Checkpoints::run_once() {
  if (epochs_.recovering()) return {};
  return make_durable();
}

Result<bool> Checkpoints::recover() {
  if (!epochs_.recovering()) return true;
  ENFOLD_TRY_ASSIGN(const bool passed, steps_.recover(stop_));
  if (!passed) return false;
  ENFOLD_TRY(make_durable());
  epochs_.recovered();
  return true;
}

Result<void> Checkpoints::make_durable() {
  if (auto failure = epochs_.sync_failure()) return std::unexpected(*std::move(failure));
  const CrashEpoch ended = epochs_.end_epoch();
  auto done = files_.sync_filesystem(root_);
  if (done) done = steps_.record(ended);
  if (!done) {
    epochs_.sync_failed(done.error());
    return done;
  }
  epochs_.set_durable(ended);
  steps_.recorded();
  return {};
}

void Checkpoints::start() {
  epochs_.on_change([this] { wake(); });
  thread_ = std::thread([this] { work(); });
}

void Checkpoints::stop() {
  stop_.store(true);
  wake();
  if (thread_.joinable()) thread_.join();
}

void Checkpoints::work() {
  if (!recover_patiently()) return;
  while (wait_for_change() && pause(kInterval)) {
    auto done = run_once();
    if (done) continue;
    log_error("checkpoint: " + describe(done.error()) +
              "; what was not synced by itself may be lost in a crash: unmount, and check the disk below");
    return;
  }
}

// What could not be done may be possible later: the KMS answers again, the disk has room again.
bool Checkpoints::recover_patiently() {
  for (;;) {
    auto recovered = recover();
    if (recovered && *recovered) return true;
    if (!recovered) log_error("recovery: " + describe(recovered.error()));
    if (epochs_.sync_failure()) return false;
    if (!pause(kRetryInterval)) return false;
  }
}

bool Checkpoints::wait_for_change() {
  std::unique_lock lock(mutex_);
  woken_.wait(lock, [this] { return stop_.load() || epochs_.has_changes(); });
  return !stop_.load();
}

bool Checkpoints::pause(std::chrono::seconds time) {
  std::unique_lock lock(mutex_);
  woken_.wait_for(lock, time, [this] { return stop_.load(); });
  return !stop_.load();
}

void Checkpoints::wake() {
  const std::lock_guard lock(mutex_);
  woken_.notify_all();
}

}  // namespace enfold
