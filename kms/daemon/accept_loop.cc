#include "kms/daemon/accept_loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "kms/base/log.h"

namespace enfold {
namespace {

// Out of descriptors or memory: what waits stays in the queue until some come back.
constexpr int kExhaustedPauseMs = 100;
constexpr std::int64_t kRefusalLineEveryMs = 10'000;

// Nothing over TCP, and an error where the kernel does not say.
Result<ConnectionPeer> peer_of(int socket, const Listener& listener) {
  if (listener.address().kind != ListenAddress::Kind::kUnix) return ConnectionPeer{};
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid == static_cast<uid_t>(-1))
    return system_error(errno, "SO_PEERCRED");
  return ConnectionPeer{peer.uid};
}

std::string name_of_peer(const ConnectionPeer& peer) {
  return peer.unix_id ? "user " + std::to_string(*peer.unix_id) : std::string("TCP");
}

}  // namespace

Result<std::unique_ptr<AcceptLoop>> AcceptLoop::start(std::vector<Listener> listeners,
                                                      Connections& connections, Admitting& admitting,
                                                      Clock& clock, std::int64_t watch_ms) {
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return system_error(errno, "eventfd");
  return std::unique_ptr<AcceptLoop>(
      new AcceptLoop(std::move(listeners), connections, admitting, clock, watch_ms, std::move(wake)));
}

AcceptLoop::AcceptLoop(std::vector<Listener> listeners, Connections& connections, Admitting& admitting,
                       Clock& clock, std::int64_t watch_ms, Fd wake)
    : listeners_(std::move(listeners)),
      connections_(connections),
      admitting_(admitting),
      clock_(clock),
      watch_ms_(watch_ms),
      refusals_(clock, kRefusalLineEveryMs),
      wake_(std::move(wake)),
      thread_([this] { run(); }) {}

AcceptLoop::~AcceptLoop() {
  ending_ = true;
  (void)::eventfd_write(wake_.get(), 1);
  thread_.join();
}

void AcceptLoop::stop_accepting() {
  accepting_ = false;
  (void)::eventfd_write(wake_.get(), 1);
  closed_.wait(false);
}

void AcceptLoop::run() {
  while (!ending_) {
    std::vector<pollfd> waited{{wake_.get(), POLLIN, 0}};
    for (const Listener& listener : listeners_) waited.push_back({listener.fd(), POLLIN, 0});
    const int timeout = connections_.empty() ? -1 : static_cast<int>(watch_ms_);
    if (::poll(waited.data(), waited.size(), timeout) < 0 && errno != EINTR)
      ::usleep(kExhaustedPauseMs * 1000);
    eventfd_t count = 0;
    (void)::eventfd_read(wake_.get(), &count);
    const bool is_last = !accepting_;  // asked before, so that what had connected by then is taken in
    for (const Listener& listener : listeners_)
      if (!is_last || !listener.is_inherited()) accept_all(listener);
    connections_.expire(clock_.monotonic_ns());
    if (is_last && !closed_) {
      listeners_.clear();
      closed_ = true;
      closed_.notify_all();
    }
  }
}

void AcceptLoop::accept_all(const Listener& listener) {
  for (;;) {
    Fd socket(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.valid()) {
      admit(std::move(socket), listener);
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN) return;
    if (const auto left_out = refusals_.allow())
      log_error(describe(system_error(errno, "taking in a connection").error()) + "; " +
                std::to_string(*left_out) + " more since the last such line");
    ::usleep(kExhaustedPauseMs * 1000);
    return;
  }
}

void AcceptLoop::admit(Fd socket, const Listener& listener) {
  const auto peer = peer_of(socket.get(), listener);
  if (!peer) return;
  const int yes = 1;
  // An answer is one write, so waiting for more to send only delays it.
  if (!peer->unix_id) (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  const Connections::Admission admission = connections_.admission(*peer);
  if (admission != Connections::Admission::kServed) {
    if (const auto left_out = refusals_.allow())
      log_warning("refused a connection by " + name_of_peer(*peer) + ": there are too many; " +
                  std::to_string(*left_out) + " more since the last such line");
  }
  if (admission != Connections::Admission::kDropped) admitting_.admit(std::move(socket), *peer, admission);
}

}  // namespace enfold
