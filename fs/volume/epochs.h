// The crash epochs of a mount (FORMAT.md, "Crashes"): which one runs, and up to which all is on the device.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <shared_mutex>

#include "fs/format/header.h"
#include "fs/volume/fair_shared_mutex.h"

namespace enfold {

// Thread-safe.
class Epochs {
 public:
  // `recovering`: a crash is on record, `durable` is the crashed mount's, and it stays until recovered().
  Epochs(const CrashEpoch& current, const CrashEpoch& durable, bool recovering)
      : current_(current), durable_(durable), recovering_(recovering) {}

  // While one is held the epoch does not end: a state record, and a shrink with its record, are written under
  // it. Hold no two in one thread.
  using Hold = std::shared_lock<FairSharedMutex>;
  [[nodiscard]] Hold hold() { return Hold(gate_); }

  [[nodiscard]] CrashEpoch current() const;
  [[nodiscard]] bool is_durable(const CrashEpoch& epoch) const;
  [[nodiscard]] std::uint64_t mount_number() const { return current().mount; }

  // True until the pass over the crashed mount's tree is over. Records of other mounts are then told by
  // is_durable(); those of this mount are right as they are.
  [[nodiscard]] bool recovering() const { return recovering_.load(std::memory_order_acquire); }
  [[nodiscard]] CrashEpoch durable() const;

  // Something was changed that nothing but a checkpoint or a sync makes durable. Called after the change.
  void changed();
  // Changes since the last end_epoch() call.
  [[nodiscard]] bool has_changes() const { return changed_.load(std::memory_order_acquire); }
  // Who waits for changes; called outside of all locks of this class. Set before threads start.
  void on_change(std::function<void()> listener) { listener_ = std::move(listener); }

  // Ends the epoch that runs, once nobody holds it, and answers it.
  CrashEpoch end_epoch();
  // All that was changed up to the end of this epoch is on the device. Not while recovering, and never again
  // after a sync has failed: the kernel forgets which pages it could not write.
  void set_durable(const CrashEpoch& epoch);
  // A sync below, or the sealing of a file, failed. The first one is kept for as long as this lives.
  void sync_failed(const Error& error);
  [[nodiscard]] std::optional<Error> sync_failure() const;
  void recovered() { recovering_.store(false, std::memory_order_release); }

 private:
  mutable std::mutex mutex_;  // guards what follows up to recovering_
  CrashEpoch current_;
  CrashEpoch durable_;
  std::optional<Error> sync_failure_;
  std::atomic<bool> recovering_;
  std::atomic<bool> changed_{false};
  std::function<void()> listener_;
  FairSharedMutex gate_;
};

}  // namespace enfold
