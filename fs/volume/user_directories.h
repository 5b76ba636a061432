// Where a user's own files are (XDG Base Directory Specification 0.8), root's too.
#pragma once

#include <string>

#include "kms/base/error.h"

namespace enfold {

// $XDG_CONFIG_HOME, else ~/.config. A relative value is ignored, as the specification asks.
Result<std::string> user_config_directory();
// $XDG_DATA_HOME, else ~/.local/share.
Result<std::string> user_data_directory();

// The path without symlinks, "." and ".."; everything on it must exist.
Result<std::string> canonical_path(const std::string& path);

}  // namespace enfold
