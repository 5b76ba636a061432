// The control socket of a mount (0600, in the user's runtime directory, named by volume id and lower path):
// how the tools reach the one process that may write below. One JSON object a line, one request a connection;
// the answer is zero or more progress lines and one last line.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kms/base/error.h"

namespace enfold {

// Where the socket of the volume at this canonical lower path is.
Result<std::string> control_socket_path(const std::string& canonical_lower);

// Answers each request line with `handle(request, emit)`; emit sends a progress line, the result is the last
// line. Runs its own thread until it goes.
class ControlServer {
 public:
  using Emit = std::function<void(const std::string& json_line)>;
  using Handle = std::function<std::string(const std::string& json_request, const Emit& emit)>;

  static Result<std::unique_ptr<ControlServer>> start(const std::string& socket_path, Handle handle);

  ControlServer() = default;
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  virtual ~ControlServer() = default;
};

// Sends one request; `progress` gets each line but the last, which is the result. Nothing (no error) where no
// mount listens.
Result<std::optional<std::string>> control_request(const std::string& socket_path,
                                                   const std::string& json_request,
                                                   const std::function<void(const std::string&)>& progress);

}  // namespace enfold
