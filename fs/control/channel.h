// Lines over a connected, non-blocking socket, each wait bounded and ended by a stop descriptor. Not for use
// outside fs/control.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kms/base/error.h"
#include "kms/base/files.h"

struct sockaddr_un;

namespace enfold {

class Channel {
 public:
  // `stop_fd` becoming readable ends every wait with kBusy; -1 for none.
  Channel(Fd socket, int stop_fd) : socket_(std::move(socket)), stop_fd_(stop_fd) {}

  // The next line without its end; kNotFound at the end of the stream, kLimit where it is longer than
  // `limit_bytes`, kSystem ETIMEDOUT after `timeout_ms` of waiting in all.
  Result<std::string> read_line(std::size_t limit_bytes, std::int64_t timeout_ms);
  // The line and its end. `timeout_ms` is for each wait until the peer takes more.
  Result<void> write_line(std::string line, std::int64_t timeout_ms);

 private:
  Result<void> wait(short events, std::int64_t timeout_ms);

  Fd socket_;
  int stop_fd_;
  std::string received_;
};

// kInvalidArgument where the path is too long for an address (unix(7): 107 bytes).
Result<void> set_socket_path(sockaddr_un& address, std::string_view path);

}  // namespace enfold
