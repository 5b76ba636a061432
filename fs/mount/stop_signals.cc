#include "fs/mount/stop_signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace enfold {
namespace {

std::atomic<int> wake_descriptor = -1;

// Async-signal-safe; an eventfd that is full was not waited for yet.
void wake_up(int descriptor) {
  const std::uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(descriptor, &one, sizeof(one));
}

void on_signal(int /*signal*/) {
  int saved = errno;
  if (int descriptor = wake_descriptor.load(); descriptor >= 0) wake_up(descriptor);
  errno = saved;
}

}  // namespace

StopSignals::StopSignals() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!event_.valid()) std::abort();
  wake_descriptor.store(event_.get());
  struct sigaction action {};
  // No SA_RESTART: the loop of libfuse waits in a sem_wait(3) that only a signal ends.
  action.sa_handler = on_signal;
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaction(signal, &action, nullptr);
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);
}

void StopSignals::wait(int timeout_ms) {
  pollfd waited{event_.get(), POLLIN, 0};
  ::poll(&waited, 1, timeout_ms);
  std::uint64_t count = 0;
  [[maybe_unused]] ssize_t got = ::read(event_.get(), &count, sizeof(count));
}

void StopSignals::wake() { wake_up(event_.get()); }

}  // namespace enfold
