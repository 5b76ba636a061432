// The histories that the crash tests replay.
#pragma once

#include "tests/crash/replay.h"

namespace enfold {

std::vector<History> content_histories();
std::vector<History> hole_histories();
std::vector<History> name_histories();
std::vector<History> renewal_histories();
std::vector<History> rekey_histories();
std::vector<History> mount_histories();

// One of them.
History history_named(const std::string& name);

}  // namespace enfold
