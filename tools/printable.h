// Text from disk on its way to a terminal or into JSON.
#pragma once

#include <string>
#include <string_view>

namespace enfold {

// Control characters, backslashes before an 'x', and bytes that are not UTF-8 become \xNN, so that a file
// name can neither steer a terminal nor end a line, and JSON stays JSON.
std::string printable(std::string_view text);
// The text that printable() was given.
std::string original_of(std::string_view printable_text);

}  // namespace enfold
