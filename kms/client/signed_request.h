// The bytes of one request to a key service: HTTP/1.1, AWS JSON 1.1, signed where there is an access key.
#pragma once

#include <cstdint>
#include <string_view>

#include "kms/client/credentials.h"
#include "kms/client/kms_url.h"
#include "kms/wire/wiped_string.h"

namespace enfold {

struct RequestParts {
  const KmsUrl& url;
  std::string_view target;  // X-Amz-Target
  std::string_view region;  // over a Unix socket empty: the service's own
  std::string_view body;
};

// `key` is null over a Unix socket, where the caller is known by user id.
WipedString request_text(const RequestParts& parts, const ClientAccessKey* key, std::int64_t now_unix_ms);

}  // namespace enfold
