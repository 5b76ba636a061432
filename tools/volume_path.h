// A volume named on the command line by its lower directory or by where it is mounted.
#pragma once

#include <optional>
#include <string>

#include "kms/base/error.h"
#include "tools/control_messages.h"

namespace enfold {

// The canonical lower directory, also where `path` is a mount of it that died.
Result<std::string> lower_directory_of(const std::string& path);

// What the mount of the lower directory says of itself; nothing where none answers.
Result<std::optional<MountStatus>> status_of_mount(const std::string& lower);

}  // namespace enfold
