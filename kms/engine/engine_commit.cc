// How changes get into a store that several processes have open.
#include <chrono>
#include <thread>

#include "kms/engine/engine.h"
#include "kms/engine/tables.h"

namespace enfold {

Result<void> Engine::commit(std::unique_lock<std::mutex>& lock, const std::function<Changes()>& decide) {
  constexpr int kTries = 600;
  constexpr std::chrono::milliseconds kPause{5};
  constexpr int kMostWaiting = 2;
  for (int tried = 1;; ++tried) {
    auto done = tables_->store->update(decide);
    if (done || done.error().code != Errc::kBusy || tried == kTries) return done;
    // A service has few threads, and those that wait here answer nobody.
    if (tried == 1 && waiting_changes_ == kMostWaiting) return done;
    ++waiting_changes_;
    lock.unlock();
    std::this_thread::sleep_for(kPause);
    lock.lock();
    --waiting_changes_;
  }
}

}  // namespace enfold
