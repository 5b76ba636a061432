// Which KMS a command means.
#pragma once

#include <optional>
#include <string>

#include "kms/base/error.h"

namespace enfold {

// The URL as pins have it: `embedded:DIR` and `unix:PATH` absolute and free of symlinks, also where the end
// of the path is still to be made; `http:` and `https:` in lower case, without a port that goes without
// saying. Without a text: the embedded store in the user's data directory. Errors as of parse_kms_url.
inline constexpr const char* kKmsUrlForms = "embedded:DIR|unix:PATH|http://127.0.0.1:PORT|https://HOST";

Result<std::string> resolve_kms_url(const std::string& text);

// Of an embedded URL.
std::optional<std::string> embedded_directory(const std::string& kms_url);

// kUnsupported where the URL is not an embedded store's: for what works on the store's own files.
Result<std::string> require_embedded(const std::string& kms_url);

}  // namespace enfold
