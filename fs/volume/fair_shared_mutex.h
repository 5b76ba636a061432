// A shared mutex on which a stream of readers does not starve a writer, as glibc's does: who wants it
// exclusively holds the turnstile while it waits, so that new readers queue behind it.
#pragma once

#include <mutex>
#include <shared_mutex>

namespace enfold {

// For std::unique_lock and std::shared_lock. Not recursive.
class FairSharedMutex {
 public:
  void lock() {
    std::lock_guard turn(turnstile_);
    mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }
  void lock_shared() {
    std::lock_guard turn(turnstile_);
    mutex_.lock_shared();
  }
  void unlock_shared() { mutex_.unlock_shared(); }

 private:
  std::mutex turnstile_;
  std::shared_mutex mutex_;
};

}  // namespace enfold
