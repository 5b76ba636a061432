// What ends the daemon: a signal, or a fault that it finds in itself.
#pragma once

#include <atomic>

#include "kms/base/files.h"

namespace enfold {

// From construction on SIGTERM and SIGINT wait to be fetched, in this thread and those that it starts;
// SIGPIPE is ignored. One in a process.
class StopRequests {
 public:
  static Result<StopRequests> take_over();

  // Thread-safe.
  void fault();

  enum class Why : std::uint8_t { kSignal, kFault };
  Why wait();

  // The next such signal ends the process at once.
  void let_signals_kill();

 private:
  StopRequests(Fd signals, Fd faults) : signals_(std::move(signals)), faults_(std::move(faults)) {}

  Fd signals_;
  Fd faults_;
};

}  // namespace enfold
