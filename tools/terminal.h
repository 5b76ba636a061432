// The user's terminal: a question whose answer does not show, and a line of progress.
#pragma once

#include <string>

#include "kms/base/error.h"
#include "kms/crypto/wiped_bytes.h"

namespace enfold {

// Asks on /dev/tty without echo. kInvalidArgument where there is no terminal or the answer is given up with
// Ctrl-C or Ctrl-D.
Result<WipedBytes> prompt_for_secret(const std::string& what);

}  // namespace enfold
