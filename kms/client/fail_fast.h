// Keeps callers from waiting, one after the other, for a service that is known to be away: after a call that
// found it so, others fail at once for a moment; then one tries, and the others wait for what it finds.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <utility>

#include "kms/base/clock.h"
#include "kms/base/error.h"
#include "kms/client/deadline.h"

namespace enfold {

// Thread-safe.
class FailFast {
 public:
  // `clock` outlives this.
  FailFast(Clock& clock, std::int64_t window_ns) : clock_(clock), window_ns_(window_ns) {}

  // Of one who calls the service. A probe that finds nothing out leaves the trying to the next.
  class Turn {
   public:
    Turn(Turn&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), is_probe_(other.is_probe_) {}
    Turn& operator=(Turn&& other) = delete;
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (owner_ != nullptr && is_probe_) owner_->stop_probing();
    }

    // The one that tries.
    [[nodiscard]] bool is_probe() const { return is_probe_; }
    // `away` where the service was not to be reached, else null.
    void found(const Error* away) { owner_->learn(away); }

   private:
    friend FailFast;
    Turn(FailFast& owner, bool is_probe) : owner_(&owner), is_probe_(is_probe) {}

    FailFast* owner_;
    bool is_probe_;
  };
  // The error of the last call while the service is away. Who may not probe is waited for by nobody.
  Result<Turn> enter(const Deadline& deadline, bool may_probe);

 private:
  void learn(const Error* away);
  void stop_probing();

  Clock& clock_;
  std::int64_t window_ns_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool is_away_ = false;
  bool is_probing_ = false;
  std::int64_t until_ns_ = 0;
  Error why_;
};

}  // namespace enfold
