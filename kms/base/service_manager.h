// systemd's protocol for services: sd_notify(3) and sd_listen_fds(3), without its library.
#pragma once

#include <string_view>

#include "kms/base/error.h"

namespace enfold {

// Sends "READY=1", "STOPPING=1", "STATUS=..." to $NOTIFY_SOCKET; does nothing where there is none.
void notify_service_manager(std::string_view state);

// How many listening sockets were passed to this process, from kFirstPassedFd on. Takes the variables that
// say so out of the environment. kInvalidArgument where they make no sense.
inline constexpr int kFirstPassedFd = 3;
Result<int> take_passed_fd_count();

}  // namespace enfold
