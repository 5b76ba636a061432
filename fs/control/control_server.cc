#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <list>
#include <thread>

#include "fs/control/channel.h"
#include "fs/control/control.h"
#include "kms/base/log.h"

namespace enfold {
namespace {

constexpr std::size_t kMaxConnections = 8;
constexpr std::int64_t kRequestTimeoutMs = 5'000;
constexpr std::int64_t kAnswerTimeoutMs = 10'000;

bool is_trusted_peer(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == geteuid() || peer.uid == 0;
}

// The mount's own threads are to get the signals that end it.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

class Server final : public ControlServer {
 public:
  Server(Fd listener, Fd stop, std::string path, Handle handle)
      : listener_(std::move(listener)),
        stop_(std::move(stop)),
        path_(std::move(path)),
        handle_(std::move(handle)) {
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { accept_until_stopped(); });
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() override {
    eventfd_write(stop_.get(), 1);
    thread_.join();
    for (Connection& connection : connections_) connection.thread.join();
    ::unlink(path_.c_str());
  }

 private:
  struct Connection {
    std::atomic<bool> done = false;
    std::thread thread;
  };

  void accept_until_stopped();
  void accept_one();
  void reap();
  void serve(Fd socket);

  Fd listener_;
  Fd stop_;
  std::string path_;
  Handle handle_;
  std::list<Connection> connections_;  // of thread_ alone, until it is joined
  std::thread thread_;
};

void Server::accept_until_stopped() {
  for (;;) {
    std::array<pollfd, 2> waited{pollfd{listener_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
    if (::poll(waited.data(), waited.size(), -1) < 0 && errno != EINTR) {
      log_error("control socket: poll failed; the mount goes on without it");
      return;
    }
    if (waited[1].revents != 0) return;
    if (waited[0].revents != 0) accept_one();
  }
}

void Server::reap() {
  for (auto it = connections_.begin(); it != connections_.end();) {
    if (!it->done.load(std::memory_order_acquire)) {
      ++it;
      continue;
    }
    it->thread.join();
    it = connections_.erase(it);
  }
}

void Server::accept_one() {
  Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  reap();
  if (!socket.valid()) {
    // Out of descriptors: the connection stays in the queue, so wait for some to come back instead of
    // spinning.
    pollfd stop{stop_.get(), POLLIN, 0};
    if (errno == EMFILE || errno == ENFILE) ::poll(&stop, 1, 100);
    return;
  }
  if (!is_trusted_peer(socket.get()) || connections_.size() >= kMaxConnections) return;
  Connection& connection = connections_.emplace_back();
  connection.thread = std::thread([this, &connection, moved = std::move(socket)]() mutable {
    serve(std::move(moved));
    connection.done.store(true, std::memory_order_release);
  });
}

void Server::serve(Fd socket) {
  Channel channel(std::move(socket), stop_.get());
  auto request = channel.read_line(kMaxControlRequestBytes, kRequestTimeoutMs);
  if (!request) return;
  bool alive = true;
  const Emit emit = [&](const std::string& line) {
    pollfd stop{stop_.get(), POLLIN, 0};
    alive = alive && ::poll(&stop, 1, 0) == 0 && channel.write_line(line, kAnswerTimeoutMs).has_value();
    return alive;
  };
  const std::string answer = handle_(*request, emit);
  emit(answer);
}

// False where nobody listens there, so that the socket is a dead mount's.
bool is_answered(const sockaddr_un& address) {
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
         errno == EAGAIN;
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::start(const std::string& socket_path, Handle handle) {
  sockaddr_un address{};
  ENFOLD_TRY(set_socket_path(address, socket_path));
  if (is_answered(address))
    return make_error(Errc::kBusy,
                      socket_path + ": another mount of this directory listens here; unmount it first");
  ::unlink(socket_path.c_str());
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.valid()) return system_error(errno, "socket");
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(socket_path.c_str(), 0600) != 0 || ::listen(listener.get(), 16) != 0)
    return system_error(errno, socket_path);
  Fd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) return system_error(errno, "eventfd");
  return std::make_unique<Server>(std::move(listener), std::move(stop), socket_path, std::move(handle));
}

}  // namespace enfold
