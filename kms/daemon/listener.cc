#include "kms/daemon/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace enfold {
namespace {

constexpr int kBacklog = 256;

union SocketAddress {
  sockaddr_storage storage;  // first, so that {} clears the whole
  sockaddr any;
  sockaddr_un local;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

struct Target {
  SocketAddress address{};
  socklen_t size = 0;
};

Target target_of(const ListenAddress& address) {
  Target target;
  if (address.kind == ListenAddress::Kind::kUnix) {
    target.address.local.sun_family = AF_UNIX;
    address.path.copy(target.address.local.sun_path, sizeof(target.address.local.sun_path) - 1);
    target.size = sizeof(sockaddr_un);
  } else if (address.kind == ListenAddress::Kind::kIpv4) {
    target.address.v4.sin_family = AF_INET;
    target.address.v4.sin_port = htons(address.port);
    target.address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    target.size = sizeof(sockaddr_in);
  } else {
    target.address.v6.sin6_family = AF_INET6;
    target.address.v6.sin6_port = htons(address.port);
    target.address.v6.sin6_addr = in6addr_loopback;
    target.size = sizeof(sockaddr_in6);
  }
  return target;
}

Result<Fd> new_socket(const Target& target, const std::string& where) {
  Fd fd(::socket(target.address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return system_error(errno, where + ": making a socket");
  return fd;
}

class UmaskFor {
 public:
  explicit UmaskFor(mode_t mask) : before_(::umask(mask)) {}
  UmaskFor(const UmaskFor&) = delete;
  UmaskFor& operator=(const UmaskFor&) = delete;
  ~UmaskFor() { ::umask(before_); }

 private:
  mode_t before_;
};

// Two daemons that start at once must not both replace the socket of a dead one. Best effort: who may read
// the directory could hold this lock for ever, so nobody waits for it long.
Fd lock_directory_of(const std::string& path) {
  Fd directory(::open(path.substr(0, path.rfind('/') + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int turn = 0; turn < 20 && directory.valid(); ++turn) {
    if (::flock(directory.get(), LOCK_EX | LOCK_NB) == 0) break;
    ::usleep(50'000);
  }
  return directory;
}

// Takes the socket of a dead daemon away, and nothing else.
Result<void> remove_stale(const Target& target, const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return system_error(errno, path);
  }
  if (!S_ISSOCK(found.st_mode))
    return make_error(Errc::kExists, path + ": is there and is no socket; remove it, or choose another path");
  ENFOLD_TRY_ASSIGN(const Fd probe, new_socket(target, path));
  if (::connect(probe.get(), &target.address.any, target.size) == 0 || errno == EAGAIN)
    return make_error(Errc::kBusy, path + ": another process listens here; stop it, or choose another path");
  if (errno != ECONNREFUSED) return system_error(errno, path + ": asking whether anybody listens here");
  if (::unlink(path.c_str()) != 0)
    return system_error(errno, path + ": removing the socket of a dead daemon");
  return {};
}

std::unexpected<Error> bind_error(int error, const std::string& where) {
  if (error == EADDRINUSE)
    return make_error(Errc::kBusy, where + ": another process listens here; stop it, or choose another");
  if (error == ENOENT) return system_error(error, where + ": make its directory first; listening");
  return system_error(error, where + ": listening");
}

Result<ListenAddress> address_of(int fd) {
  SocketAddress bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd, &bound.any, &size) != 0) return system_error(errno, "getsockname");
  using Kind = ListenAddress::Kind;
  if (bound.any.sa_family == AF_UNIX) {
    const char* path = bound.local.sun_path;
    const std::size_t room =
        size > offsetof(sockaddr_un, sun_path) ? size - offsetof(sockaddr_un, sun_path) : 0;
    return ListenAddress{Kind::kUnix, std::string(path, ::strnlen(path, room)), 0};
  }
  if (bound.any.sa_family == AF_INET && bound.v4.sin_addr.s_addr == htonl(INADDR_LOOPBACK))
    return ListenAddress{Kind::kIpv4, {}, ntohs(bound.v4.sin_port)};
  if (bound.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&bound.v6.sin6_addr))
    return ListenAddress{Kind::kIpv6, {}, ntohs(bound.v6.sin6_port)};
  return make_error(Errc::kInvalidArgument,
                    "is neither a Unix socket nor one on loopback; without TLS nothing else is listened on");
}

int socket_option(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

}  // namespace

Result<Listener> Listener::open_unix(const ListenAddress& address) {
  const Target target = target_of(address);
  const Fd lock = lock_directory_of(address.path);
  ENFOLD_TRY(remove_stale(target, address.path));
  ENFOLD_TRY_ASSIGN(Fd fd, new_socket(target, address.path));
  {
    const UmaskFor connectable_by_all(0111);
    if (::bind(fd.get(), &target.address.any, target.size) != 0) return bind_error(errno, address.path);
  }
  Listener listener(std::move(fd), address, false);
  struct stat made {};
  if (::lstat(address.path.c_str(), &made) == 0) {
    listener.inode_ = made.st_ino;
    listener.device_ = made.st_dev;
  }
  if (::listen(listener.fd(), kBacklog) != 0) return bind_error(errno, address.path);
  return listener;
}

Result<Listener> Listener::open_tcp(const ListenAddress& address) {
  const std::string where = text_of(address);
  const Target target = target_of(address);
  ENFOLD_TRY_ASSIGN(Fd fd, new_socket(target, where));
  const int yes = 1;
  // After a restart the port may still have connections that are closing.
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(fd.get(), &target.address.any, target.size) != 0 || ::listen(fd.get(), kBacklog) != 0)
    return bind_error(errno, where);
  ENFOLD_TRY_ASSIGN(ListenAddress bound, address_of(fd.get()));
  return Listener(std::move(fd), std::move(bound), false);
}

Result<Listener> Listener::open(const ListenAddress& address) {
  return address.kind == ListenAddress::Kind::kUnix ? open_unix(address) : open_tcp(address);
}

Result<Listener> Listener::adopt_one(int number) {
  Fd fd(number);
  if (socket_option(number, SO_TYPE) != SOCK_STREAM || socket_option(number, SO_ACCEPTCONN) != 1)
    return make_error(Errc::kInvalidArgument, "is no listening stream socket");
  ENFOLD_TRY_ASSIGN(ListenAddress address, address_of(number));
  const int flags = ::fcntl(number, F_GETFL);
  if (flags < 0 || ::fcntl(number, F_SETFD, FD_CLOEXEC) != 0 ||
      ::fcntl(number, F_SETFL, flags | O_NONBLOCK) != 0)
    return system_error(errno, "fcntl");
  return Listener(std::move(fd), std::move(address), true);
}

Result<std::vector<Listener>> Listener::adopt(int first, int count) {
  std::vector<Listener> listeners;
  for (int number = first; number < first + count; ++number) {
    auto listener = adopt_one(number);
    if (!listener)
      return add_context(std::move(listener).error(),
                         "descriptor " + std::to_string(number) + " from the service manager");
    listeners.push_back(std::move(*listener));
  }
  return listeners;
}

Listener::~Listener() {
  struct stat found {};
  if (!fd_.valid() || inode_ == 0 || ::lstat(address_.path.c_str(), &found) != 0) return;
  if (found.st_ino == inode_ && found.st_dev == device_) ::unlink(address_.path.c_str());
}

}  // namespace enfold
