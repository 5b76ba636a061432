// The text behind --listen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kms/base/error.h"

namespace enfold {

struct ListenAddress {
  enum class Kind : std::uint8_t { kUnix, kIpv4, kIpv6 };
  Kind kind = Kind::kUnix;
  std::string path;        // kUnix
  std::uint16_t port = 0;  // the others, always on loopback; 0: any that is free
};

// "unix:/run/x/kms.sock" or "http://127.0.0.1:PORT", also [::1] and localhost. localhost is both addresses,
// so that no other user can take the one that is left. kInvalidArgument says what is accepted.
Result<std::vector<ListenAddress>> parse_listen_address(std::string_view text);

// As --listen takes it.
std::string text_of(const ListenAddress& address);

}  // namespace enfold
