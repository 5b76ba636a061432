// A sealed object used for another purpose: everything that any key of a volume seals is tried at every other
// opener, with the same ids everywhere, so that only labels and keys can tell them apart.
#include <gtest/gtest.h>

#include "tests/format/support.h"

namespace enfold {
namespace {

using format_test::sample_file;
using format_test::sample_keys;

// One id for file, directory and owner: the worst case.
const DirectoryId kDirectory{sample_file().bytes};

std::vector<std::pair<std::string, Bytes>> sealed_objects() {
  const VolumeKeys keys = sample_keys();
  const XattrCodec xattrs(keys, sample_file());
  format_test::SeededEntropy entropy(1);
  const auto marker = encode_marker({sample_keys().volume(), kDirectory, {}}, keys.marker_mac());
  const auto sector = format_test::seal_any_sector(100, 0, as_bytes("plain"));
  Bytes name;
  EXPECT_TRUE(from_base64url(encrypt_name(keys.names(), kDirectory, "user.a").name, name));
  Bytes xattr_name;
  const std::string lower_name = xattrs.seal_name("user.a").value();
  EXPECT_TRUE(from_base64url(lower_name.substr(kXattrPrefix.size()), xattr_name));
  return {{"marker", Bytes(marker.begin(), marker.end())},
          {"sector", Bytes(sector.begin(), sector.end())},
          {"name", name},
          {"sidecar", encrypt_name(keys.names(), kDirectory, std::string(200, 'n')).sidecar},
          {"special", seal_special(format_test::sample_symlink(), keys, entropy)},
          {"xattr name", xattr_name},
          {"xattr value", xattrs.seal_value("user.a", as_bytes("../../etc/shadow"), entropy)}};
}

// The openers that take the object, whatever it was made for.
std::vector<std::string> openers_of(const Bytes& object) {
  const VolumeKeys keys = sample_keys();
  const XattrCodec xattrs(keys, sample_file());
  std::vector<std::string> out;
  if (decode_marker(object, keys.volume(), keys.marker_mac())) out.emplace_back("marker");
  if (decrypt_name(keys.names(), kDirectory, to_base64url(object))) out.emplace_back("name");
  const std::string hashed = "enfold.long." + to_base64url(sha256({object}));
  if (decrypt_hashed_name(keys.names(), kDirectory, hashed, object)) out.emplace_back("sidecar");
  if (open_special(object, keys)) out.emplace_back("special");
  if (xattrs.open_name(std::string(kXattrPrefix) + to_base64url(object))) out.emplace_back("xattr name");
  if (xattrs.open_value("user.a", object)) out.emplace_back("xattr value");
  return out;
}

bool opens_as_sector(const Bytes& object) {
  std::array<std::uint8_t, kPageBytes> page{};
  std::ranges::copy(ByteSpan(object).first(std::min<std::size_t>(object.size(), kPageBytes)), page.begin());
  std::array<std::uint8_t, kSectorPlainBytes> plain{};
  Gcm key(format_test::sample_content_key(page[30]).expose());
  const VolumeId volume = format_test::sample_volume();
  const FileId file = sample_file();
  return open_sector(key, {volume, file, format_test::kAnySectorIndex}, page, plain).has_value();
}

TEST(Domains, AreSeparate) {
  for (const auto& [kind, object] : sealed_objects()) {
    const std::vector<std::string> expected =
        kind == "sector" ? std::vector<std::string>{} : std::vector<std::string>{kind};
    EXPECT_EQ(openers_of(object), expected) << kind;
    EXPECT_EQ(opens_as_sector(object), kind == "sector") << kind;
  }
}

// nonce, tag and ciphertext of one kind put where the other has them.
TEST(Domains, OfXattrValueAndSymlinkAreSeparateAtTheirOwnOffsets) {
  const VolumeKeys keys = sample_keys();
  const XattrCodec xattrs(keys, sample_file());
  format_test::SeededEntropy entropy(1);
  Bytes payload(4064 - 76);
  ByteWriter(MutableByteSpan(payload)).u16(11);
  std::ranges::copy(as_bytes("/etc/shadow"), payload.begin() + 2);
  const Bytes value = xattrs.seal_value("user.a", payload, entropy);
  Bytes symlink = seal_special(format_test::sample_symlink(), keys, entropy);
  EXPECT_FALSE(xattrs.open_value("user.a", ByteSpan(symlink).subspan(48)));
  std::ranges::copy(value, symlink.begin() + 48);
  EXPECT_FALSE(open_special(symlink, keys));
}

TEST(Domains, OfSlotsAndStatesInHeaderAndConfigAreSeparate) {
  const VolumeKeys keys = sample_keys();
  HeaderPage page = format_test::sample_header();
  const ConfigFile config = format_test::sample_config_file();
  const ConstSlotSpan config_slot(config.data() + kPageBytes, kSlotBytes);
  const MacKey slot_key = keys.slot_mac(sample_file());
  EXPECT_FALSE(decode_slot(config_slot, {prefix_of(page), 0, slot_key}));
  EXPECT_FALSE(decode_slot(slot_of(page, 0), {ByteSpan(config).first(512), 0, keys.config_mac()}));
  const MacKey state_key = keys.state_mac(sample_file());
  EXPECT_TRUE(decode_state(state_of(page), prefix_of(page), state_key));
  EXPECT_FALSE(decode_state(state_of(page), prefix_of(page), slot_key));
  std::ranges::copy(ByteSpan(config).first(512), page.begin());
  EXPECT_FALSE(decode_prefix(prefix_of(page)));
}

}  // namespace
}  // namespace enfold
