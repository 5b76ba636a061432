#include "kms/base/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>

#include "kms/base/files.h"
#include "kms/base/log.h"

namespace enfold {
namespace {

constexpr int kMaxPassedFds = 64;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

std::optional<int> number(const std::string& text) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stopped != end) return std::nullopt;
  return value;
}

}  // namespace

void notify_service_manager(std::string_view state) {
  const std::string path = variable("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path.size() < 2 || (path[0] != '/' && path[0] != '@') || path.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';  // an abstract name
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid() || ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                                  reinterpret_cast<const sockaddr*>(&address), size) < 0)
    log_warning(describe(system_error(errno, "telling the service manager").error()));
}

Result<int> take_passed_fd_count() {
  const std::string pid = variable("LISTEN_PID");
  const std::string fds = variable("LISTEN_FDS");
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  if (pid.empty() || fds.empty()) return 0;
  const auto count = number(fds);
  const auto process = number(pid);
  if (!process || !count || *count < 0 || *count > kMaxPassedFds)
    return make_error(Errc::kInvalidArgument,
                      "LISTEN_PID and LISTEN_FDS are no numbers that a service manager "
                      "sets; start the daemon without them");
  return *process == ::getpid() ? *count : 0;
}

}  // namespace enfold
