// What the suite runs over: each program that is linked from it says so itself.
#pragma once

#include <vector>

#include "tests/conformance/suite.h"

namespace enfold {

const std::vector<Implementation>& implementations();
// And the same as an ordinary user, where that can make a difference.
const std::vector<Implementation>& implementations_and_users();
// Those where the caller is root, and may give files away.
const std::vector<Implementation>& implementations_for_root();

}  // namespace enfold

#define ENFOLD_RUN_SUITE(suite, which) \
  INSTANTIATE_TEST_SUITE_P(, suite, testing::ValuesIn(which()), name_of_implementation)
