// A state record of any bytes, without its MAC.
#include "tests/format/fuzz.h"

using namespace enfold;
using namespace enfold::format_test;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MacKey key;
  static const std::array<std::uint8_t, kPrefixBytes> prefix{};
  std::array<std::uint8_t, kStateBytes> bytes{};
  fill_from(bytes, {data, size});
  const auto state = decode_state_unverified(bytes);
  if (!state) return 0;
  std::array<std::uint8_t, kStateBytes> again{};
  encode_state(*state, prefix, key, again);
  require(std::equal(bytes.begin(), bytes.end() - 32, again.begin()));
  require(decode_state(again, prefix, key).value() == *state);
  return 0;
}
