// URLs of key services: `embedded:DIR`, `unix:PATH`, `http://127.0.0.1:PORT` and `https://HOST[:PORT]`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kms/base/error.h"

namespace enfold {

enum class KmsScheme : std::uint8_t { kEmbedded, kUnix, kHttp, kHttps };

struct KmsUrl {
  KmsScheme scheme = KmsScheme::kEmbedded;
  std::string text;        // as it was given
  std::string place;       // a directory, a socket's path, or a host without the brackets of an IPv6 address
  std::uint16_t port = 0;  // of a host

  // As the Host header has it; "localhost" for a socket.
  [[nodiscard]] std::string host_header() const;
  // The same, written in one way: a pin compares texts.
  [[nodiscard]] std::string normal() const;
};

// kUnsupported: none of these. kInvalidArgument: one of these and malformed, or http to another machine,
// which would send data keys in clear.
Result<KmsUrl> parse_kms_url(const std::string& text);

// Of AWS's own endpoints: kms.REGION.amazonaws.com, kms-fips.REGION.amazonaws.com,
// ID.kms.REGION.vpce.amazonaws.com, and the same under amazonaws.com.cn and api.aws. Empty for any other
// host.
std::string region_of_host(std::string_view host);

}  // namespace enfold
