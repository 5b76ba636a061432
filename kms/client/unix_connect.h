// A connection to a service's Unix socket, whose listener is one that may know what is sent.
#pragma once

#include <cstdint>
#include <string>

#include "kms/base/files.h"
#include "kms/client/connection.h"

namespace enfold {

// kUntrusted where anybody could have put the socket there (socket_listener.h).
Transported<Fd> connect_unix(const std::string& path, std::int64_t timeout_ns);

}  // namespace enfold
