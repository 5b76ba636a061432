// The three texts of Signature Version 4, for any service, and its key: what signing and verifying share.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "kms/base/bytes.h"
#include "kms/crypto/hkdf.h"
#include "kms/wire/http_message.h"

namespace enfold {

struct CredentialScope {
  std::string_view date;  // 20261121
  std::string_view region;
  std::string_view service;
};

// `signed_headers` are lower case and in order, `payload_hash` in hexadecimal. A header that is there several
// times gives its values in their order with commas between; one that is missing gives an empty value.
std::string canonical_request(const HttpRequestView& request, std::span<const std::string> signed_headers,
                              std::string_view payload_hash);

// `timestamp` is 20261121T214012Z.
std::string string_to_sign(std::string_view timestamp, const CredentialScope& scope,
                           std::string_view canonical_request);

// Lower-case hexadecimal.
std::string signature_of(ByteSpan secret, const CredentialScope& scope, std::string_view string_to_sign);

std::string lower_case(std::string_view text);  // of ASCII

}  // namespace enfold
