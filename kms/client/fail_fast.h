// Keeps callers from waiting, one after the other, for a service that is known to be away: after a call that
// found it so, others fail at once for a moment; then one tries, and the others wait for what it finds.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "kms/base/clock.h"
#include "kms/base/error.h"
#include "kms/client/deadline.h"

namespace enfold {

// Thread-safe.
class FailFast {
 public:
  // `clock` outlives this.
  FailFast(Clock& clock, std::int64_t window_ns) : clock_(clock), window_ns_(window_ns) {}

  enum class Entry : std::uint8_t {
    kNormal,
    kProbe,  // the one that tries
  };
  // The error of the last call while the service is away. Who may not probe is waited for by nobody.
  Result<Entry> enter(const Deadline& deadline, bool may_probe);
  // Whoever entered leaves; `away` where the service was not to be reached, else null.
  void leave(Entry entry, const Error* away);

 private:
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
