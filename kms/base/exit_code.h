// The one place where errors become exit codes; tools/README.md publishes them.
#pragma once

#include "kms/base/error.h"

namespace enfold {

int exit_code_of(const Error& error) noexcept;

}  // namespace enfold
