#include "kms/wire/quote.h"

namespace enfold {

std::string quote(std::string_view text) {
  constexpr std::size_t kMaxBytes = 64;
  std::string out = "'";
  for (char c : text.substr(0, kMaxBytes)) out += c >= ' ' && c <= '~' ? c : '?';
  out += '\'';
  return out;
}

}  // namespace enfold
