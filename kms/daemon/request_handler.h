// What stands behind the server: the KMS, or a test's stand-in.
#pragma once

#include "kms/wire/kms_service.h"

namespace enfold {

// Called from several threads at a time.
class RequestHandler {
 public:
  RequestHandler() = default;
  RequestHandler(const RequestHandler&) = delete;
  RequestHandler& operator=(const RequestHandler&) = delete;
  virtual ~RequestHandler() = default;

  // How many bytes of body a request with this head may have.
  virtual std::size_t body_limit(const HttpRequestView& head, const ConnectionPeer& peer) = 0;
  virtual HttpAnswer handle(const HttpRequestView& request, const ConnectionPeer& peer) = 0;
};

}  // namespace enfold
