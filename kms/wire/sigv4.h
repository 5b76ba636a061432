// AWS Signature Version 4 for a service with one region, both sides (AWS: "Create a signed AWS API request").
// Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kms/base/bytes.h"
#include "kms/wire/aws_error.h"
#include "kms/wire/http_message.h"

namespace enfold {

inline constexpr std::int64_t kMaxClockSkewMs = std::int64_t{5} * 60 * 1000;

bool is_region_name(std::string_view text);  // 1 to 32 of [a-z0-9-]

// What a request says of its signature, read and checked for form; nothing of it is verified.
struct SignatureClaim {
  std::string access_key_id;
  std::string date;  // 20261121
  std::string region;
  std::string service;                      // always "kms"
  std::vector<std::string> signed_headers;  // lower case, in order
  std::string signature;                    // as it was sent
  std::string timestamp;                    // 20261121T214012Z
};

// MissingAuthenticationTokenException, IncompleteSignatureException, InvalidSignatureException (scope, or
// host, date or target not among the signed headers).
AwsResult<SignatureClaim> read_signature(const HttpRequestView& request);

// That `request` was signed with `secret`, at most five minutes from `now_unix_ms`. The payload's hash is
// computed from the body; where x-amz-content-sha256 is present it must be that, so UNSIGNED-PAYLOAD and
// streamed bodies are refused. InvalidSignatureException. Compares in constant time.
AwsResult<void> verify_signature(const HttpRequestView& request, const SignatureClaim& claim, ByteSpan secret,
                                 std::int64_t now_unix_ms);

// The headers that sign a request: X-Amz-Date, Authorization, and X-Amz-Security-Token where there is one.
// `request` has all headers that will be sent; host, content-type and x-amz-* are signed.
struct SigningKey {
  std::string_view access_key_id;
  ByteSpan secret;
  std::string_view session_token;  // empty: none
};
struct OwnedHeader {
  std::string name;
  std::string value;
};
std::vector<OwnedHeader> sign_request(const HttpRequestView& request, const SigningKey& key,
                                      std::string_view region, std::int64_t now_unix_ms);

}  // namespace enfold
