// The HTTP server: listeners, a fixed pool of threads, and the connections. It knows nothing of what is
// asked.
#pragma once

#include <memory>
#include <vector>

#include "kms/daemon/connections.h"
#include "kms/daemon/listener.h"
#include "kms/daemon/session.h"

namespace enfold {

struct ServerLimits {
  Connections::Limits connections{};
  SessionLimits session{};
  std::int64_t drain_ms = 10'000;
  unsigned threads = 0;  // 0: as many as there are cores, at least four
};

class Server {
 public:
  // Serves from here on. All but the listeners outlive the server.
  static Result<std::unique_ptr<Server>> start(std::vector<Listener> listeners, RequestHandler& handler,
                                               Clock& clock, Entropy& entropy, const ServerLimits& limits);

  Server() = default;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  // Waits for the handlers that run.
  virtual ~Server() = default;

  // Accepts no more, answers the requests that have begun, and closes what is idle. Returns when all
  // connections are gone, at the latest after limits.drain_ms; false where some had to be cut.
  virtual bool drain() = 0;
};

}  // namespace enfold
