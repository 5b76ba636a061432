// Bounded cursors over little-endian bytes, the only way this project reads or writes a structure.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace enfold {

using ByteSpan = std::span<const std::uint8_t>;
using MutableByteSpan = std::span<std::uint8_t>;
using Bytes = std::vector<std::uint8_t>;

inline ByteSpan as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string as_string(ByteSpan bytes) { return {bytes.begin(), bytes.end()}; }

bool all_zero(ByteSpan bytes) noexcept;

// Copies all of `from` to the start of `to`, which must be as long; they may overlap. For what is large or
// hot: of std::ranges::copy between spans g++ 12 makes a loop over single bytes.
inline void copy_bytes(ByteSpan from, MutableByteSpan to) noexcept {
  if (from.size() > to.size()) std::abort();
  if (!from.empty()) std::memmove(to.data(), from.data(), from.size());
}

// Lower-case hexadecimal.
std::string to_hex(ByteSpan bytes);
// Appends nothing and returns false unless text is an even number of hexadecimal digits.
bool from_hex(std::string_view text, Bytes& out);

// RFC 4648 section 5 without padding.
std::string to_base64url(ByteSpan bytes);
// False unless text is canonical: only the alphabet, no padding, unused low bits zero.
bool from_base64url(std::string_view text, Bytes& out);

// Reads fields in order. Past the end it returns zeros and ok() turns false for ever; check once at the end.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) : rest_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(integer(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(integer(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
  std::uint64_t u64() { return integer(8); }

  ByteSpan bytes(std::size_t count) {
    if (count > rest_.size()) return fail();
    ByteSpan taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  template <std::size_t N>
  std::array<std::uint8_t, N> array() {
    std::array<std::uint8_t, N> out{};
    std::ranges::copy(bytes(N), out.begin());
    return out;
  }

  // Reserved bytes: anything but zero fails the reader.
  void zeros(std::size_t count) {
    if (!all_zero(bytes(count))) fail();
  }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }

 private:
  std::uint64_t integer(std::size_t width) {
    std::uint64_t value = 0;
    ByteSpan taken = bytes(width);
    for (std::size_t i = 0; i < taken.size(); ++i) value |= std::uint64_t{taken[i]} << (8 * i);
    return value;
  }
  ByteSpan fail() {
    ok_ = false;
    rest_ = {};
    return {};
  }

  ByteSpan rest_;
  bool ok_ = true;
};

// Writes fields in order into a fixed span. Past the end it writes nothing and ok() turns false for ever.
class ByteWriter {
 public:
  explicit ByteWriter(MutableByteSpan out) : rest_(out) {}

  void u8(std::uint8_t value) { integer(value, 1); }
  void u16(std::uint16_t value) { integer(value, 2); }
  void u32(std::uint32_t value) { integer(value, 4); }
  void u64(std::uint64_t value) { integer(value, 8); }

  void bytes(ByteSpan value) {
    MutableByteSpan to = take(value.size());
    if (!to.empty()) copy_bytes(value, to);
  }
  void zeros(std::size_t count) { std::ranges::fill(take(count), std::uint8_t{0}); }
  // Zeros up to the end of the span.
  void zero_rest() { zeros(rest_.size()); }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }

 private:
  void integer(std::uint64_t value, std::size_t width) {
    MutableByteSpan to = take(width);
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  MutableByteSpan take(std::size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    MutableByteSpan taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  MutableByteSpan rest_;
  bool ok_ = true;
};

}  // namespace enfold
