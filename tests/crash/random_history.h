// A long history of random calls, from the seed of the tests.
#pragma once

#include "tests/crash/replay.h"

namespace enfold {

History random_history(const std::string& name, std::size_t calls);

}  // namespace enfold
