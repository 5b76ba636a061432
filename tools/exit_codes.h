// The one place where errors become exit codes (tools/README.md), and what to do about an error whose message
// does not say it already.
#pragma once

#include <string>

#include "kms/base/error.h"

namespace enfold {

int exit_code_of(const Error& error) noexcept;

// "enfold: COMMAND: message; what to do", one line without its end.
std::string error_line(const std::string& command, const Error& error);

}  // namespace enfold
