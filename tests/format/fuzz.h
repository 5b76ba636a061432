// What the fuzzers share. Each claims: a parser ends well on any bytes, and what it accepts it would itself
// write.
#pragma once

#include <cstdlib>

#include "tests/format/support.h"

namespace enfold::format_test {

// A claim of a fuzzer; where it does not hold, libFuzzer keeps the input.
inline void require(bool holds) {
  if (!holds) std::abort();
}

// Takes a byte off the front: what to do with the rest. 0 where there is none.
inline std::uint8_t take_choice(ByteSpan& input) {
  if (input.empty()) return 0;
  const std::uint8_t choice = input.front();
  input = input.subspan(1);
  return choice;
}

// Lays edits over a valid structure, so that a fuzzer gets past magics: offset u16, count u8, bytes;
// repeated.
inline void lay_over(MutableByteSpan structure, ByteSpan edits) {
  ByteReader reader(edits);
  while (reader.remaining() > 3) {
    const std::size_t offset = reader.u16() % structure.size();
    const std::size_t count = std::min<std::size_t>(reader.u8() % 16 + 1, reader.remaining());
    const ByteSpan patch = reader.bytes(std::min(count, structure.size() - offset));
    std::ranges::copy(patch, structure.subspan(offset).begin());
  }
}

// The input from the start, zeros behind it.
inline void fill_from(MutableByteSpan structure, ByteSpan input) {
  std::ranges::copy(input.first(std::min(input.size(), structure.size())), structure.begin());
}

// Gives out fixed bytes, to seal again with the same nonce.
class FixedEntropy final : public Entropy {
 public:
  explicit FixedEntropy(ByteSpan bytes) : bytes_(bytes) {}
  void fill(std::span<std::uint8_t> out) override { fill_from(out, bytes_); }

 private:
  ByteSpan bytes_;
};

}  // namespace enfold::format_test

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
