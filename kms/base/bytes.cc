#include "kms/base/bytes.h"

#include <cstring>

namespace enfold {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::int8_t, 256> reverse_of(std::string_view alphabet) {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::int8_t>(i);
  return table;
}

constexpr auto kHexReverse = reverse_of(kHex);
constexpr auto kBase64UrlReverse = reverse_of(kBase64Url);

int digit(const std::array<std::int8_t, 256>& table, char c) { return table[static_cast<std::uint8_t>(c)]; }

}  // namespace

// Compared with itself one byte further on: memcmp is vectorised, a loop that stops at the first difference
// is not.
bool all_zero(ByteSpan bytes) noexcept {
  return bytes.empty() ||
         (bytes.front() == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

std::string to_hex(ByteSpan bytes) {
  std::string out(bytes.size() * 2, '\0');
  auto next = out.begin();
  for (std::uint8_t b : bytes) {
    *next++ = kHex[b >> 4];
    *next++ = kHex[b & 15];
  }
  return out;
}

bool from_hex(std::string_view text, Bytes& out) {
  if (text.size() % 2 != 0) return false;
  Bytes decoded;
  decoded.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    int high = digit(kHexReverse, text[i]);
    int low = digit(kHexReverse, text[i + 1]);
    if (high < 0 || low < 0) return false;
    decoded.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  out.insert(out.end(), decoded.begin(), decoded.end());
  return true;
}

std::string to_base64url(ByteSpan bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (std::uint8_t b : bytes) {
    buffer = (buffer << 8) | b;
    for (bits += 8; bits >= 6; bits -= 6) out += kBase64Url[(buffer >> (bits - 6)) & 63];
  }
  if (bits > 0) out += kBase64Url[(buffer << (6 - bits)) & 63];
  return out;
}

bool from_base64url(std::string_view text, Bytes& out) {
  if (text.size() % 4 == 1) return false;
  Bytes decoded;
  decoded.reserve(text.size() * 3 / 4);
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (char c : text) {
    int value = digit(kBase64UrlReverse, c);
    if (value < 0) return false;
    buffer = (buffer << 6) | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      decoded.push_back(static_cast<std::uint8_t>(buffer >> bits));
    }
  }
  if ((buffer & ((1U << bits) - 1)) != 0) return false;
  out.insert(out.end(), decoded.begin(), decoded.end());
  return true;
}

}  // namespace enfold
