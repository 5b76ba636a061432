#include "fs/control/channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "kms/base/clock.h"

namespace enfold {
namespace {

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

Result<void> Channel::wait(short events, std::int64_t timeout_ms) {
  std::array<pollfd, 2> waited{pollfd{socket_.get(), events, 0}, pollfd{stop_fd_, POLLIN, 0}};
  const int limit = static_cast<int>(std::clamp<std::int64_t>(timeout_ms, 0, 3'600'000));
  const int ready = ::poll(waited.data(), waited.size(), limit);
  if (ready < 0 && errno != EINTR) return system_error(errno, "poll");
  if (ready == 0) return system_error(ETIMEDOUT, "waiting on the control socket");
  if (waited[1].revents != 0) return make_error(Errc::kBusy, "the control socket is ending");
  return {};
}

Result<std::string> Channel::read_line(std::size_t limit_bytes, std::int64_t timeout_ms) {
  SystemClock clock;
  const std::int64_t end_ns = clock.monotonic_ns() + timeout_ms * 1'000'000;
  for (;;) {
    if (const std::size_t at = received_.find('\n'); at != std::string::npos) {
      std::string line = received_.substr(0, at);
      received_.erase(0, at + 1);
      return line;
    }
    if (received_.size() > limit_bytes) return make_error(Errc::kLimit, "a control line is too long");
    ENFOLD_TRY(wait(POLLIN, (end_ns - clock.monotonic_ns()) / 1'000'000));
    std::array<char, 4096> block;
    const ssize_t got = ::recv(socket_.get(), block.data(), block.size(), MSG_DONTWAIT);
    if (got == 0) return make_error(Errc::kNotFound, "the other end of the control socket hung up");
    if (got < 0 && !would_block(errno)) return system_error(errno, "recv");
    if (got > 0) received_.append(block.data(), static_cast<std::size_t>(got));
  }
}

Result<void> Channel::write_line(std::string line, std::int64_t timeout_ms) {
  line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t put = ::send(socket_.get(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0 && !would_block(errno)) return system_error(errno, "send");
    if (put > 0) rest.remove_prefix(static_cast<std::size_t>(put));
    if (put < 0) ENFOLD_TRY(wait(POLLOUT, timeout_ms));
  }
  return {};
}

Result<void> set_socket_path(sockaddr_un& address, std::string_view path) {
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return make_error(Errc::kInvalidArgument, std::string(path) + ": too long for a socket's path");
  std::ranges::copy(path, address.sun_path);
  address.sun_path[path.size()] = '\0';
  return {};
}

}  // namespace enfold
