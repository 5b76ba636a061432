// What a caller sent, as a message of an error repeats it.
#pragma once

#include <string>
#include <string_view>

namespace enfold {

// In single quotes, at most 64 bytes of it, and '?' for whatever is not printable ASCII.
std::string quote(std::string_view text);

// Without what is not UTF-8: a message that was cut in the middle of a character is no JSON.
std::string valid_utf8(std::string_view text);

}  // namespace enfold
