#include "fs/format/keys.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/format/support.h"

namespace enfold {
namespace {

using format_test::counting;

template <class S>
std::string hex_of(const S& secret) {
  return to_hex(secret.expose());
}

// Everything that hangs on the volume secret, the volume id or the file id.
std::vector<std::string> all_keys(const VolumeKeys& keys, const FileId& file) {
  return {to_hex(keys.commitment()),      to_hex(keys.names().seal(file.bytes, as_bytes("name"))),
          hex_of(keys.config_mac()),      hex_of(keys.marker_mac()),
          hex_of(keys.slot_mac(file)),    hex_of(keys.state_mac(file)),
          hex_of(keys.special(file)),     hex_of(keys.xattr_names(file)),
          hex_of(keys.xattr_values(file))};
}

TEST(Keys, DifferForEveryPurpose) {
  const auto keys = all_keys(format_test::sample_keys(), format_test::sample_file());
  EXPECT_EQ(std::set(keys.begin(), keys.end()).size(), keys.size());
}

TEST(Keys, DifferForEveryVolumeWithTheSameSecret) {
  const VolumeKeys other(VolumeId{counting<16>(0x11)}, VolumeSecret(format_test::sample_secret()));
  const auto a = all_keys(format_test::sample_keys(), format_test::sample_file());
  const auto b = all_keys(other, format_test::sample_file());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NE(a[i], b[i]) << i;
}

TEST(Keys, DifferForEveryFileWhereTheyArePerFile) {
  const VolumeKeys keys = format_test::sample_keys();
  const auto a = all_keys(keys, format_test::sample_file());
  const auto b = all_keys(keys, format_test::other_file());
  for (std::size_t i = 4; i < a.size(); ++i) EXPECT_NE(a[i], b[i]) << i;
}

TEST(Keys, OfAFileHangOnDataKeyVolumeSecretAndEachByteOfThePrefix) {
  const VolumeKeys keys = format_test::sample_keys();
  const VolumeKeys other_secret(format_test::sample_volume(), VolumeSecret(counting<32>(0x41)));
  HeaderPage page = format_test::sample_header();
  const ByteSpan bound = ByteSpan(page).first(kPrefixBoundBytes);
  std::set<std::string> seen{hex_of(keys.file_key(format_test::sample_data_key(), bound))};
  EXPECT_TRUE(seen.insert(hex_of(keys.file_key(DataKey(counting<32>(0x61)), bound))).second);
  EXPECT_TRUE(seen.insert(hex_of(other_secret.file_key(format_test::sample_data_key(), bound))).second);
  for (std::size_t i = 0; i < kPrefixBoundBytes; ++i) {
    page[i] ^= 1;
    EXPECT_TRUE(seen.insert(hex_of(keys.file_key(format_test::sample_data_key(), bound))).second) << i;
    page[i] ^= 1;
  }
}

TEST(Keys, OfAFileAreCommittedToInItsPrefix) {
  const HeaderPage page = format_test::sample_header();
  const ByteSpan bound = ByteSpan(page).first(kPrefixBoundBytes);
  const VolumeKeys keys = format_test::sample_keys();
  const Digest commitment = decode_prefix(prefix_of(page)).value().commitment;
  EXPECT_EQ(file_commitment(keys.file_key(format_test::sample_data_key(), bound)), commitment);
  EXPECT_NE(file_commitment(keys.file_key(DataKey(counting<32>(0x61)), bound)), commitment);
  EXPECT_NE(file_commitment(keys.file_key(DataKey(), bound)), commitment);
}

TEST(Keys, OfContentDifferForEveryEpoch) {
  std::set<std::string> seen;
  for (unsigned epoch = 0; epoch < 256; ++epoch)
    EXPECT_TRUE(
        seen.insert(hex_of(format_test::sample_content_key(static_cast<std::uint8_t>(epoch)))).second);
}

}  // namespace
}  // namespace enfold
