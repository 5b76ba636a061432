// How changes get into a store that several processes have open.
#include <chrono>
#include <thread>

#include "kms/engine/engine.h"
#include "kms/engine/tables.h"

namespace enfold {

Result<void> Engine::commit(std::unique_lock<std::mutex>& lock, const std::function<Changes()>& decide) {
  constexpr int kTries = 600;
  constexpr int kTriesOfAHeldStore = 100;  // so many without a change of anybody's here
  constexpr int kMostWaiting = 2;
  constexpr std::chrono::milliseconds kPause{5};
  if (waiting_changes_ == 0) store_is_held_ = false;
  std::uint64_t seen = changes_made_;
  for (int tried = 1, in_vain = 1;; ++tried, ++in_vain) {
    auto done = tables_->store->update(decide);
    if (done || done.error().code != Errc::kBusy) {
      ++changes_made_;
      store_is_held_ = false;
      return done;
    }
    if (changes_made_ != seen) in_vain = 1;
    seen = changes_made_;
    if (in_vain >= kTriesOfAHeldStore) store_is_held_ = true;
    // A service has few threads, and those that wait here answer nobody.
    if (tried == kTries || (store_is_held_ && waiting_changes_ >= kMostWaiting)) return done;
    ++waiting_changes_;
    lock.unlock();
    std::this_thread::sleep_for(kPause);
    lock.lock();
    --waiting_changes_;
  }
}

}  // namespace enfold
