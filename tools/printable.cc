#include "tools/printable.h"

#include <cstdint>

#include "kms/base/bytes.h"

namespace enfold {
namespace {

bool is_continuation(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<std::uint8_t>(text[at]) & 0xc0) == 0x80;
}

// The code point of `length` bytes at `at`; only called where all of them are there.
std::uint32_t code_point(std::string_view text, std::size_t at, std::size_t length) {
  static constexpr std::uint8_t kFirstMask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  std::uint32_t value = static_cast<std::uint8_t>(text[at]) & kFirstMask[length];
  for (std::size_t i = 1; i < length; ++i)
    value = value << 6 | (static_cast<std::uint8_t>(text[at + i]) & 0x3fU);
  return value;
}

// Bytes of the well-formed UTF-8 sequence at `at` (RFC 3629), 0 where there is none.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const auto first = static_cast<std::uint8_t>(text[at]);
  const std::size_t length = first < 0x80       ? 1
                             : first >> 5 == 6  ? 2
                             : first >> 4 == 14 ? 3
                             : first >> 3 == 30 ? 4
                                                : 0;
  for (std::size_t i = 1; i < length; ++i)
    if (!is_continuation(text, at + i)) return 0;
  if (length == 0) return 0;
  static constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const std::uint32_t value = code_point(text, at, length);
  const bool is_surrogate = value >= 0xd800 && value <= 0xdfff;
  return value < kLeast[length] || value > 0x10ffff || is_surrogate ? 0 : length;
}

// C0, DEL and C1.
bool is_control(std::uint32_t value) { return value < 0x20 || (value >= 0x7f && value < 0xa0); }

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = sequence_length(text, at);
    const bool ambiguous = text.substr(at, 2) == "\\x";
    if (length != 0 && !ambiguous && !is_control(code_point(text, at, length))) {
      out += text.substr(at, length);
      at += length;
      continue;
    }
    const std::size_t escaped = length == 0 ? 1 : length;
    for (std::size_t i = 0; i < escaped; ++i, ++at) out += "\\x" + to_hex(as_bytes(text.substr(at, 1)));
  }
  return out;
}

std::string original_of(std::string_view printable_text) {
  std::string out;
  std::size_t at = 0;
  while (at < printable_text.size()) {
    Bytes byte;
    if (printable_text.substr(at, 2) == "\\x" && from_hex(printable_text.substr(at + 2, 2), byte) &&
        byte.size() == 1) {
      out += static_cast<char>(byte.front());
      at += 4;
    } else {
      out += printable_text[at++];
    }
  }
  return out;
}

}  // namespace enfold
