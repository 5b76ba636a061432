#include "kms/client/unix_connect.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "kms/client/socket_listener.h"

namespace enfold {
namespace {

std::unexpected<TransportError> fault(TransportFault what, std::string why) {
  return std::unexpected(TransportError{what, std::move(why)});
}

std::unexpected<TransportError> system_fault(int errno_value) {
  return fault(TransportFault::kNotReached, std::generic_category().message(errno_value));
}

// A nonblocking connect() to a Unix socket whose backlog is full fails in a way that looks like one under
// way, so this one blocks, for as long as it may.
Transported<Fd> connect_blocking(const Fd& place, std::int64_t timeout_ns) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return system_fault(errno);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(place.get());
  std::memcpy(address.sun_path, path.data(), path.size());
  constexpr std::int64_t kNsPerUs = 1000;
  constexpr std::int64_t kUsPerSecond = 1'000'000;
  const std::int64_t micros = std::max(timeout_ns / kNsPerUs, std::int64_t{1});
  const timeval time_limit{micros / kUsPerSecond, micros % kUsPerSecond};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &time_limit, sizeof(time_limit));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
    return socket;
  if (errno == EAGAIN) return fault(TransportFault::kNoTime, "it takes no connection in time");
  return system_fault(errno);
}

TransportError fault_of(const Error& error) {
  const bool is_untrusted = error.code == Errc::kKmsUnavailable;
  return {is_untrusted ? TransportFault::kUntrusted : TransportFault::kNotReached, describe(error)};
}

}  // namespace

Transported<Fd> connect_unix(const std::string& path, std::int64_t timeout_ns) {
  auto place = find_socket(path);
  if (!place) return system_fault(place.error().errno_value);
  auto connection = connect_blocking(place->socket, timeout_ns);
  if (!connection) return connection;
  if (auto trusted = require_trusted_listener(connection->get(), place->steps); !trusted)
    return std::unexpected(fault_of(trusted.error()));
  return connection;
}

}  // namespace enfold
