// What is said of an error, and what to do about one whose message does not say it already.
#pragma once

#include <string>

#include "kms/base/error.h"

namespace enfold {

// "enfold: COMMAND: message; what to do", one line without its end.
std::string error_line(const std::string& command, const Error& error);

}  // namespace enfold
