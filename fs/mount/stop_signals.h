// SIGTERM, SIGINT and SIGHUP as something to wait for.
#pragma once

#include "kms/base/files.h"

namespace enfold {

// From construction on these signals no longer end the process but wake a wait(); SIGPIPE is ignored. One at
// a time in a process; the handlers stay when it goes, because a second signal must not cut the clean-up
// short.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals() = default;

  // Returns when a signal came or wake() was called since the last wait, at the latest after `timeout_ms`; -1
  // waits without end.
  void wait(int timeout_ms);
  // Thread-safe.
  void wake();

 private:
  Fd event_;
};

}  // namespace enfold
