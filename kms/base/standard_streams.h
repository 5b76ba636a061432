// Descriptors 0, 1 and 2 in a program that was started with some of them closed.
#pragma once

#include "kms/base/error.h"

namespace enfold {

// Puts /dev/null where one of them is closed: else the next file that is opened gets its number, and log
// lines go into that file. Call it before anything is opened.
Result<void> fill_standard_streams();

}  // namespace enfold
