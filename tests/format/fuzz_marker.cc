// A marker of any bytes and size, and a valid one with edits and a correct MAC.
#include "tests/format/fuzz.h"

using namespace enfold;
using namespace enfold::format_test;

namespace {

Bytes marker_from(ByteSpan input, const MacKey& key) {
  if (take_choice(input) % 8 == 0) return {input.begin(), input.end()};
  auto marker = encode_marker(sample_marker(), key);
  lay_over(std::span(marker).first<64>(), input);
  std::ranges::copy(hmac_sha256(key.expose(), {std::span(marker).first<64>()}), marker.begin() + 64);
  return {marker.begin(), marker.end()};
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const VolumeKeys keys = sample_keys();
  const Bytes bytes = marker_from({data, size}, keys.marker_mac());
  const auto marker = decode_marker(bytes, keys.volume(), keys.marker_mac());
  if (marker) require(std::ranges::equal(encode_marker(*marker, keys.marker_mac()), bytes));
  return 0;
}
