// One connection: requests in, answers out, one at a time and in order. It keeps itself alive until its peer,
// a deadline or the server's end closes it.
#pragma once

#include "kms/base/clock.h"
#include "kms/base/entropy.h"
#include "kms/base/files.h"
#include "kms/daemon/connections.h"
#include "kms/daemon/request_handler.h"

namespace boost::asio {
class io_context;
}

namespace enfold {

struct SessionLimits {
  std::int64_t request_ms = 30'000;  // from its first byte to its last; also until the first one comes
  std::int64_t idle_ms = 120'000;    // between requests
  std::int64_t answer_ms = 30'000;   // until the peer has taken an answer
  std::int64_t linger_ms = 2'000;    // until the peer has closed too, after the last answer
};

// What all sessions share; outlives them.
struct SessionContext {
  RequestHandler& handler;
  Connections& connections;
  Clock& clock;
  Entropy& entropy;
  SessionLimits limits;
};

// `socket` is connected and non-blocking. A connection that is turned away hears so, and is closed.
void start_session(boost::asio::io_context& io, Fd socket, const ConnectionPeer& peer,
                   Connections::Admission admission, const SessionContext& context);

}  // namespace enfold
