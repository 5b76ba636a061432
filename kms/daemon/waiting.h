// What a session waits for, and until when.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>

namespace enfold {

// One word, so that another thread sees a pair that belongs together. Times are Clock::monotonic_ns.
class Waiting {
 public:
  enum class For : std::uint8_t {
    kFirstByte,  // of a request: the connection is idle
    kRequest,    // the rest of one
    kHandler,    // nothing of the peer's
    kAnswer,     // that the peer takes it
    kPeersEnd,   // after the last answer
  };

  void set(For what, std::int64_t until_ns) { word_.store((until_ns & ~kMask) | static_cast<int>(what)); }
  void set_without_end(For what) { set(what, std::numeric_limits<std::int64_t>::max()); }
  [[nodiscard]] For what() const { return static_cast<For>(word_.load() & kMask); }
  // What it waits for in vain.
  [[nodiscard]] std::optional<For> expired(std::int64_t now_ns) const {
    const std::int64_t word = word_.load();
    if ((word & ~kMask) > now_ns) return std::nullopt;
    return static_cast<For>(word & kMask);
  }

 private:
  static constexpr std::int64_t kMask = 7;
  std::atomic<std::int64_t> word_ = 0;
};

}  // namespace enfold
