// The control socket of a mount (0600, in a 0700 directory of the user's): how the tools reach the one
// process that may write below. One line is a request, one connection takes one; the answer is zero or more
// progress lines and one last line, and then the end of the stream. Lines are JSON; what they say is the
// tools' affair.
//
// The directory: root's is /run/enfold; another user's $XDG_RUNTIME_DIR/enfold, else /run/user/UID/enfold;
// for want of these /tmp/enfold-UID. A directory that is not the user's own, or open to others, is not used.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kms/base/error.h"

namespace enfold {

inline constexpr std::size_t kMaxControlRequestBytes = 16 * 1024;
inline constexpr std::size_t kMaxControlLineBytes = 1024 * 1024;  // of an answer
inline constexpr std::int64_t kControlSilenceMs = 60'000;

// Where the socket of the volume at this canonical lower path is. Makes its directory.
Result<std::string> control_socket_path(const std::string& canonical_lower);

// Answers each request line of this user or of root with `handle(request, emit)`; emit sends a progress line,
// the result is the last line. A client that is slow, silent or many delays no other and not the end.
class ControlServer {
 public:
  // False: the client is gone or the server is ending, so the handler should return soon. Lines hold no '\n'.
  using Emit = std::function<bool(const std::string& json_line)>;
  // Called from a thread of the connection, several at a time.
  using Handle = std::function<std::string(const std::string& json_request, const Emit& emit)>;

  // Replaces a socket that nobody listens on; kBusy where somebody does.
  static Result<std::unique_ptr<ControlServer>> start(const std::string& socket_path, Handle handle);

  ControlServer() = default;
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  // Waits for the handlers that run, and removes the socket.
  virtual ~ControlServer() = default;
};

// Sends one request; `progress` gets each line but the last, which is the result, and answers whether to go
// on: else the call hangs up, which stops the mount, and answers kBusy. Nothing (no error) where no mount
// listens. kBusy where the mount hangs up without an answer, or says nothing for `silence_ms`.
Result<std::optional<std::string>> control_request(const std::string& socket_path,
                                                   const std::string& json_request,
                                                   const std::function<bool(const std::string&)>& progress,
                                                   std::int64_t silence_ms = kControlSilenceMs);

}  // namespace enfold
