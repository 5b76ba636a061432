// The user's terminal: a question whose answer does not show, and a line of progress.
#pragma once

#include <string>

#include "kms/base/error.h"
#include "kms/crypto/wiped_bytes.h"

namespace enfold {

// Asks on /dev/tty without echo. `option` is what gives the answer where nobody can be asked, without its end
// (-fd or -file): --passphrase. kInvalidArgument where there is no terminal, or the answer is given up with
// Ctrl-C or Ctrl-D.
Result<WipedBytes> prompt_for_secret(const std::string& what, const std::string& option);

}  // namespace enfold
