#include "kms/daemon/stop_requests.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace enfold {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

Result<StopRequests> StopRequests::take_over() {
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, nullptr);
  Fd signals(::signalfd(-1, &set, SFD_CLOEXEC));
  Fd faults(::eventfd(0, EFD_CLOEXEC));
  if (!signals.valid() || !faults.valid()) return system_error(errno, "preparing for signals");
  return StopRequests(std::move(signals), std::move(faults));
}

void StopRequests::fault() { (void)::eventfd_write(faults_.get(), 1); }

StopRequests::Why StopRequests::wait() {
  for (;;) {
    std::array<pollfd, 2> waited{pollfd{signals_.get(), POLLIN, 0}, pollfd{faults_.get(), POLLIN, 0}};
    if (::poll(waited.data(), waited.size(), -1) < 0) continue;
    if (waited[1].revents != 0) return Why::kFault;
    if (waited[0].revents == 0) continue;
    // Fetched, or it would count as the second one.
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) == sizeof info) return Why::kSignal;
  }
}

void StopRequests::let_signals_kill() {
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace enfold
