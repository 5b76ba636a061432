#include "kms/wire/quote.h"

namespace enfold {
namespace {

// The bytes of the character that `text` starts with (RFC 3629), 0 where it starts with none.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const std::size_t count = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (text.size() < count) return 0;
  for (std::size_t i = 1; i < count; ++i)
    if ((byte(i) & 0xc0U) != 0x80) return 0;
  const bool too_long = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool surrogate = first == 0xed && byte(1) > 0x9f;
  const bool too_large = first == 0xf4 && byte(1) > 0x8f;
  return too_long || surrogate || too_large ? 0 : count;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t count = character_bytes(text);
    out.append(text.substr(0, count));
    text.remove_prefix(count == 0 ? 1 : count);
  }
  return out;
}

std::string quote(std::string_view text) {
  constexpr std::size_t kMaxBytes = 64;
  std::string out = "'";
  for (char c : text.substr(0, kMaxBytes)) out += c >= ' ' && c <= '~' ? c : '?';
  out += '\'';
  return out;
}

}  // namespace enfold
