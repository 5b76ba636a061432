#include "kms/wire/base64.h"

#include <array>

namespace enfold {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}();

std::size_t padding_of(std::string_view text) {
  if (text.ends_with("==")) return 2;
  return text.ends_with('=') ? 1 : 0;
}

// `count` digits into the high bits of 24; above them, whatever is no digit leaves a mark.
std::uint32_t group(std::string_view digits) {
  std::uint32_t value = 0;
  std::uint32_t bad = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint8_t digit = i < digits.size() ? kValues[static_cast<unsigned char>(digits[i])] : 0;
    bad |= digit & 0xc0U;
    value = value << 6U | (digit & 0x3fU);
  }
  return value | bad << 24U;
}

bool decode_last(std::string_view digits, MutableByteSpan out) {
  const std::uint32_t value = group(digits);
  const std::uint32_t unused = out.size() == 1 ? 0xffffU : 0xffU;
  if (value >> 24U != 0 || (value & unused) != 0) return false;
  out[0] = static_cast<std::uint8_t>(value >> 16U);
  if (out.size() == 2) out[1] = static_cast<std::uint8_t>(value >> 8U);
  return true;
}

}  // namespace

void encode_base64(ByteSpan bytes, char* out) {
  while (bytes.size() >= 3) {
    const std::uint32_t value =
        std::uint32_t{bytes[0]} << 16U | std::uint32_t{bytes[1]} << 8U | std::uint32_t{bytes[2]};
    *out++ = kAlphabet[value >> 18U];
    *out++ = kAlphabet[value >> 12U & 63U];
    *out++ = kAlphabet[value >> 6U & 63U];
    *out++ = kAlphabet[value & 63U];
    bytes = bytes.subspan(3);
  }
  if (bytes.empty()) return;
  const std::uint32_t value =
      std::uint32_t{bytes[0]} << 16U | (bytes.size() == 2 ? std::uint32_t{bytes[1]} << 8U : 0);
  *out++ = kAlphabet[value >> 18U];
  *out++ = kAlphabet[value >> 12U & 63U];
  *out++ = bytes.size() == 2 ? kAlphabet[value >> 6U & 63U] : '=';
  *out = '=';
}

std::optional<std::size_t> decoded_base64_size(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  return text.size() / 4 * 3 - padding_of(text);
}

bool decode_base64(std::string_view text, MutableByteSpan out) {
  if (decoded_base64_size(text) != out.size()) return false;
  while (out.size() >= 3) {
    const std::uint32_t value = group(text.substr(0, 4));
    if (value >> 24U != 0) return false;
    out[0] = static_cast<std::uint8_t>(value >> 16U);
    out[1] = static_cast<std::uint8_t>(value >> 8U);
    out[2] = static_cast<std::uint8_t>(value);
    text.remove_prefix(4);
    out = out.subspan(3);
  }
  return out.empty() ? text.empty() : decode_last(text.substr(0, out.size() + 1), out);
}

}  // namespace enfold
