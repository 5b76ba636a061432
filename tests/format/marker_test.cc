#include "fs/format/marker.h"

#include <gtest/gtest.h>

#include "tests/format/matchers.h"
#include "tests/format/support.h"

namespace enfold {
namespace {

using format_test::expect_damaged;
using MarkerBytes = std::array<std::uint8_t, kMarkerBytes>;

Result<Marker> decode(ByteSpan bytes) {
  const VolumeKeys keys = format_test::sample_keys();
  return decode_marker(bytes, keys.volume(), keys.marker_mac());
}

MarkerBytes sample() {
  return encode_marker(format_test::sample_marker(), format_test::sample_keys().marker_mac());
}

TEST(DirectoryMarker, ComesBack) {
  const Marker marker = decode(sample()).value();
  EXPECT_EQ(marker.volume, format_test::sample_volume());
  EXPECT_EQ(marker.directory, format_test::sample_directory());
  EXPECT_EQ(marker.parent, format_test::other_directory());
}

TEST(DirectoryMarker, RefusesAChangeInAnyBit) {
  MarkerBytes bytes = sample();
  for (std::size_t bit = 0; bit < kMarkerBytes * 8; ++bit) {
    const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
    bytes[bit / 8] ^= mask;
    EXPECT_FALSE(decode(bytes)) << "bit " << bit;
    bytes[bit / 8] ^= mask;
  }
}

TEST(DirectoryMarker, RefusesAnotherSize) {
  Bytes bytes(kMarkerBytes + 1);
  std::ranges::copy(sample(), bytes.begin());
  for (const std::size_t size : {std::size_t{0}, std::size_t{64}, kMarkerBytes - 1, kMarkerBytes + 1})
    expect_damaged(decode(ByteSpan(bytes).first(size)), "size");
}

TEST(DirectoryMarker, NamesAnotherVersion) {
  MarkerBytes bytes = sample();
  bytes[9] = 1;
  format_test::expect_error(decode(bytes), Errc::kUnsupported, "format version 257");
}

TEST(DirectoryMarker, RefusesAnotherVolumeAndAnotherSecret) {
  const VolumeKeys other = format_test::other_keys();
  expect_damaged(decode_marker(sample(), other.volume(), other.marker_mac()), "another volume");
  expect_damaged(decode_marker(sample(), format_test::sample_volume(), other.marker_mac()), "MAC");
}

}  // namespace
}  // namespace enfold
