// Exclusive locks on ranges of sectors of one file: 1 MiB is not a multiple of 4064, so neighbouring requests
// share a sector, and both rewrite it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace enfold {

// Thread-safe. First come, first served: a request waits for every overlapping one that came before it, so a
// wide range is not starved by narrow ones. A thread holds at most one range of a lock at a time.
class RangeLock {
 public:
  // Holds the sectors first..last (both included) while it lives.
  class Hold {
   public:
    Hold(RangeLock& lock, std::uint64_t first, std::uint64_t last);
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold();

   private:
    friend class RangeLock;
    [[nodiscard]] bool overlaps(const Hold& other) const {
      return first_ <= other.last_ && other.first_ <= last_;
    }

    RangeLock& lock_;
    std::uint64_t first_;
    std::uint64_t last_;
    Hold* earlier_ = nullptr;
    Hold* later_ = nullptr;
  };

 private:
  [[nodiscard]] static bool must_wait(const Hold& hold);

  std::mutex mutex_;
  std::condition_variable released_;
  Hold* newest_ = nullptr;  // held and waiting ones, in the order in which they came
  int waiting_ = 0;
};

}  // namespace enfold
