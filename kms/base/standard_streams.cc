#include "kms/base/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace enfold {

// Without O_CLOEXEC: what is executed needs them as much.
Result<void> fill_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    // The lowest that is free, which is this one.
    const int opened = ::open("/dev/null", stream == STDIN_FILENO ? O_RDONLY : O_WRONLY);
    if (opened < 0) return system_error(errno, "opening /dev/null for a closed standard stream");
  }
  return {};
}

}  // namespace enfold
