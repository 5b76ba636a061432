#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>

#include "fs/control/channel.h"
#include "fs/control/control.h"

namespace enfold {
namespace {

bool nobody_listens(int error) { return error == ENOENT || error == ECONNREFUSED || error == ENOTDIR; }

// Invalid where nobody listens.
Result<Fd> connect_to(const std::string& socket_path) {
  sockaddr_un address{};
  ENFOLD_TRY(set_socket_path(address, socket_path));
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return system_error(errno, "socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return socket;
  if (nobody_listens(errno)) return Fd();
  return system_error(errno, socket_path);
}

std::unexpected<Error> explained(Error error, const std::string& socket_path) {
  if (error.code != Errc::kSystem || error.errno_value != ETIMEDOUT)
    return add_context(std::move(error), "the mount behind " + socket_path);
  return make_error(
      Errc::kBusy,
      socket_path +
          ": the mount does not answer; look whether its process is stopped, or its lower directory or KMS "
          "hangs, and give the same command again then: a rekey goes on where it stopped");
}

}  // namespace

Result<std::optional<std::string>> control_request(const std::string& socket_path,
                                                   const std::string& json_request,
                                                   const std::function<bool(const std::string&)>& progress,
                                                   std::int64_t silence_ms) {
  ENFOLD_TRY_ASSIGN(Fd socket, connect_to(socket_path));
  if (!socket.valid()) return std::nullopt;
  Channel channel(std::move(socket), -1);
  if (auto sent = channel.write_line(json_request, silence_ms); !sent)
    return explained(std::move(sent).error(), socket_path);
  std::optional<std::string> last;
  for (;;) {
    auto line = channel.read_line(kMaxControlLineBytes, silence_ms);
    if (line) {
      if (last && !progress(*last)) return make_error(Errc::kBusy, "stopped");
      last = std::move(*line);
      continue;
    }
    if (line.error().code != Errc::kNotFound) return explained(std::move(line).error(), socket_path);
    if (last) return last;
    return make_error(Errc::kBusy, socket_path +
                                       ": the mount hung up without an answer: it is ending, or it has "
                                       "too many requests; try again");
  }
}

}  // namespace enfold
