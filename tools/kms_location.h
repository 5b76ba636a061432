// Which KMS a command means.
#pragma once

#include <optional>
#include <string>

#include "kms/base/error.h"

namespace enfold {

// `embedded:` and a directory made absolute and free of symlinks, also where it is still to be made; any
// other URL as it is. Without a text: the embedded store in the user's data directory.
Result<std::string> resolve_kms_url(const std::string& text);

// Of an embedded URL.
std::optional<std::string> embedded_directory(const std::string& kms_url);

// kUnsupported where the URL is not an embedded store's: for commands that work on the store itself.
Result<std::string> require_embedded(const std::string& kms_url);

}  // namespace enfold
