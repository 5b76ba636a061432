// Who sent a request: whose signature it carries, or whose process is at the other end of the Unix socket.
#pragma once

#include <optional>
#include <string>

#include "kms/engine/engine.h"
#include "kms/wire/aws_error.h"
#include "kms/wire/kms_service.h"

namespace enfold {

struct RequestSender {
  std::optional<KmsCaller> caller;  // nothing: an administrator who is no principal
  bool is_administrator = false;
};

// A request over the Unix socket without a signature is by the process there. With one, and always over TCP,
// the signature alone counts: an administrator's process that passes on a signed request makes nobody an
// administrator. `home_region` is that of unsigned requests without x-enfold-region.
AwsResult<RequestSender> authenticate(const HttpRequestView& request, const ConnectionPeer& peer,
                                      Engine& engine, const std::string& home_region,
                                      std::int64_t now_unix_ms);

// Whether a request's head names somebody known, signature unverified.
bool names_somebody(const HttpRequestView& head, const ConnectionPeer& peer, Engine& engine);

}  // namespace enfold
