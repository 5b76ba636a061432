// W15: counts and lengths that lead a parser astray, in real files, under right MACs where a MAC would stop
// them: the attacker here is somebody who has the volume secret.
#include <sys/xattr.h>

#include "kms/crypto/hkdf.h"
#include "tests/attack/attack_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

void put_u16(MutableByteSpan out, std::size_t at, std::uint16_t value) {
  out[at] = static_cast<std::uint8_t>(value);
  out[at + 1] = static_cast<std::uint8_t>(value >> 8U);
}
void put_u64(MutableByteSpan out, std::size_t at, std::uint64_t value) {
  for (std::size_t i = 0; i < 8; ++i) out[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

class AttackW15 : public testing::Test {
 protected:
  AttackW15() {
    world_.keep_random_file("victim", 1000);
    world_.keep_random_file("bystander", 100);
  }

  HeaderPage page_of(const LowerCopy& copy) {
    HeaderPage page;
    std::ranges::copy(first_bytes(copy.bytes(), kPageBytes), page.begin());
    return page;
  }
  FileId file_id(const HeaderPage& page) { return decode_prefix(prefix_of(page)).value().file; }

  void seal_slot(HeaderPage& page) {
    const std::uint8_t index = 0;
    const SlotSpan slot = slot_of(page, index);
    const Digest mac = hmac_sha256(world_.keys.slot_mac(file_id(page)).expose(),
                                   {prefix_of(page), {&index, 1}, slot.first<kSlotBytes - 32>()});
    std::ranges::copy(mac, slot.last<32>().begin());
  }
  void seal_state(HeaderPage& page) {
    const StateSpan state = state_of(page);
    const Digest mac = hmac_sha256(world_.keys.state_mac(file_id(page)).expose(),
                                   {prefix_of(page), state.first<kStateBytes - 32>()});
    std::ranges::copy(mac, state.last<32>().begin());
  }

  void expect_noticed(const LowerCopy& copy, const HeaderPage& page, const std::string& what) {
    copy.lay_over(0, text_of(page));
    ASSERT_TRUE(noticed(world_, {.plain = "victim"})) << what;
    copy.put_back();
  }

  AttackWorld world_{10};
};

TEST_F(AttackW15, AnySlotCountOrLengthTooLargeIsNoticed) {
  const LowerCopy victim(world_, "victim");
  constexpr std::size_t kCount = 8;
  constexpr std::size_t kProvider = 16;
  constexpr std::size_t kArnBytes = 18;
  constexpr std::size_t kCiphertextBytes = 20;
  for (const std::size_t at : {kCount, kProvider, kArnBytes, kCiphertextBytes}) {
    for (const unsigned value : {0U, 2U, 3U, 4U, 1488U, 1489U, 1536U, 32767U, 32768U, 65535U}) {
      HeaderPage page = page_of(victim);
      put_u16(slot_of(page, 0), at, static_cast<std::uint16_t>(value));
      seal_slot(page);
      ASSERT_NO_FATAL_FAILURE(
          expect_noticed(victim, page, "slot " + std::to_string(at) + " = " + std::to_string(value)));
    }
  }
}

TEST_F(AttackW15, TheControlsOwnMacsAreRight) {
  const LowerCopy victim(world_, "victim");
  HeaderPage page = page_of(victim);
  seal_slot(page);
  seal_state(page);
  EXPECT_EQ(text_of(page), victim.page(0));
}

TEST_F(AttackW15, AnyStateValueTooLargeIsNoticed) {
  const LowerCopy victim(world_, "victim");
  constexpr std::uint64_t kMax = ~std::uint64_t{0};
  struct Value {
    std::size_t at;
    std::uint64_t value;
  };
  for (const Value& one :
       {Value{24, kMax}, Value{24, kMaxPlainLength}, Value{24, kMaxPlainLength + 1},
        Value{24, std::uint64_t{1} << 32}, Value{32, kMax}, Value{32, 1001}, Value{40, kMax}, Value{48, kMax},
        Value{48, kMaxSectorWrites + 1}, Value{72, 1}, Value{136, 1}, Value{472, 1}}) {
    HeaderPage page = page_of(victim);
    put_u64(state_of(page), one.at, one.value);
    seal_state(page);
    ASSERT_NO_FATAL_FAILURE(
        expect_noticed(victim, page, "state " + std::to_string(one.at) + " = " + std::to_string(one.value)));
  }
}

TEST_F(AttackW15, AnyUnknownVersionCipherOrFlagIsRefused) {
  const LowerCopy victim(world_, "victim");
  for (const std::size_t at : {8U, 10U, 12U, 14U}) {
    for (const std::uint16_t value : {std::uint16_t{0x8000}, std::uint16_t{2}, std::uint16_t{0xffff}}) {
      HeaderPage page = page_of(victim);
      put_u16(page, at, value);
      ASSERT_NO_FATAL_FAILURE(expect_noticed(victim, page, "prefix " + std::to_string(at)));
    }
  }
}

// Sparse lower files that say they are enormous cost nothing: no memory, no time.
TEST_F(AttackW15, AnEnormousFileIsNoticed) {
  const LowerCopy victim(world_, "victim");
  for (const std::uint64_t size :
       {std::uint64_t{1} << 32, (std::uint64_t{1} << 42) + 4064, std::uint64_t{1} << 43}) {
    stdfs::resize_file(victim.path(), size);
    world_.open_anew();
    EXPECT_EQ(errno_of_result(world_.tree().open_file(world_.inode("victim"), O_RDONLY)), EIO);
    ASSERT_TRUE(noticed(world_, {.plain = "victim"})) << size;
    victim.put_back();
  }
}

// Its state record says the same: then each sector is read, and not one of them verifies.
TEST_F(AttackW15, AFileWhoseRecordSaysThatItIsEnormousGivesNoByte) {
  const LowerCopy victim(world_, "victim");
  HeaderPage page = page_of(victim);
  const std::uint64_t length = 1000 * kSectorPlainBytes;
  put_u64(state_of(page), 24, length);
  seal_state(page);
  victim.lay_over(0, text_of(page));
  stdfs::resize_file(victim.path(), lower_size_of(length));
  EXPECT_TRUE(noticed(world_, {.plain = "victim"}));
}

TEST_F(AttackW15, AnEnormousMarkerSidecarOrConfigIsNoticed) {
  constexpr std::uint64_t kEnormous = std::uint64_t{1} << 42;
  world_.keep_directory("d");
  world_.keep_file("d/inner", "content");
  const stdfs::path marker = world_.lower("d") / kMarkerName;
  stdfs::resize_file(marker, kEnormous);
  ASSERT_TRUE(noticed(world_, {.plain = "d", .checked_lower = world_.relative(marker)}));
  stdfs::resize_file(marker, kMarkerBytes);
  const std::string name(200, 'n');
  world_.keep_file(name, "content");
  const LowerCopy entry(world_, name);
  stdfs::resize_file(entry.path().string() + ".name", kEnormous);
  ASSERT_TRUE(noticed(world_, {.plain = name, .is_name_damaged = true, .checked_plain = "/"}));
  entry.put_back();
  stdfs::resize_file(world_.lower("") / kConfigName, kEnormous);
  world_.open_anew();
  const auto found = world_.findings();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].lower_path, kConfigName);
  stdfs::resize_file(world_.lower("") / kConfigName, kConfigBytes);
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW15, ASymlinkWhoseLengthLeadsPastItsEndIsNoticed) {
  world_.keep_symlink("link", "target");
  const LowerCopy link(world_, "link");
  const FileId file = peek_special(as_bytes(link.bytes()))->file;
  for (const unsigned length : {0U, 3987U, 3988U, 4095U, 4096U, 65535U}) {
    std::string object = link.bytes();
    Bytes payload(object.size() - 76);
    put_u16(payload, 0, static_cast<std::uint16_t>(length));
    std::fill(payload.begin() + 2, payload.begin() + 8, std::uint8_t{'x'});
    Gcm gcm(world_.keys.special(file).expose());
    const auto nonce = random_array<12>(world_.entropy);
    const std::string associated = "enfold/1/special" + object.substr(0, 48);
    std::array<std::uint8_t, 16> tag{};
    gcm.seal(nonce, as_bytes(associated), payload, payload, tag);
    object.replace(48, 12, text_of(nonce))
        .replace(60, 16, text_of(tag))
        .replace(76, payload.size(), text_of(payload));
    spill(link.path(), object);
    ASSERT_TRUE(noticed(world_, {.plain = "link"})) << length;
    link.put_back();
  }
}

TEST_F(AttackW15, LargeXattrsAndForeignOnesHarmNothing) {
  const stdfs::path victim = world_.lower("victim");
  world_.keep_xattr("victim", "user.good", "value");
  const std::string large(3000, 'x');
  ASSERT_EQ(::setxattr(victim.c_str(), "user.not-ours", large.data(), large.size(), 0), 0);
  EXPECT_TRUE(unharmed(world_));
  for (const char* name : {"user.enfold.", "user.enfold.x", "user.enfold.!!!!", "user.enfold.AAAA"}) {
    if (::setxattr(victim.c_str(), name, large.data(), large.size(), 0) != 0) continue;
    world_.open_anew();
    EXPECT_EQ(world_.read("victim").value_or(""), world_.known["victim"].content);
    const auto found = world_.findings();
    ASSERT_EQ(found.size(), 1U) << name;
    EXPECT_EQ(found[0].plain_path, "/victim");
    EXPECT_EQ(found[0].severity, Severity::kDamage);
    ASSERT_EQ(::removexattr(victim.c_str(), name), 0);
  }
  EXPECT_TRUE(unharmed(world_));
}

}  // namespace
}  // namespace enfold
