// W14: envelopes that an attacker makes, with data keys that they know or had the KMS make. What they lack is
// the volume secret.
#include <tuple>

#include "fs/format/sector.h"
#include "kms/crypto/hkdf.h"
#include "tests/attack/attack_support.h"

namespace enfold {
namespace {

// All that an outsider can put together: everything is right but what needs the volume secret.
class Forger {
 public:
  Forger(AttackWorld& world, const FileId& file, const VolumeKeys& keys)
      : world_(world), file_(file), keys_(keys) {
    encode_prefix({.volume = world.keys.volume(), .file = file, .salt = random_array<32>(world.entropy)},
                  prefix_of(page_));
    auto made = world.kms.generate_data_key(kFakeKeyArn, file_key_context(world.keys.volume(), file));
    EXPECT_TRUE(is_ok(made));
    content_ =
        std::make_unique<FileKey>(keys.file_key(made->plaintext, ByteSpan(page_).first(kPrefixBoundBytes)));
    set_commitment(file_commitment(*content_), prefix_of(page_));
    envelope_ = {1, {{Provider::kAwsKms, kFakeKeyArn, made->ciphertext}}};
  }

  HeaderPage header(std::uint64_t length) {
    StateRecord state;
    state.sealed_length = length;
    EXPECT_TRUE(is_ok(finish_header(envelope_, state, keys_, file_, page_)));
    return page_;
  }

  std::string sector(std::uint64_t index, std::string_view plain) {
    Gcm gcm(content_key(*content_, 0).expose());
    std::array<std::uint8_t, kPageBytes> page{};
    seal_sector(gcm, {world_.keys.volume(), file_, index}, {}, random_array<12>(world_.entropy),
                as_bytes(plain), page);
    return text_of(page);
  }

  std::string whole_file(const std::string& content) {
    std::string out = text_of(header(content.size()));
    for (std::uint64_t at = 0; at < content.size(); at += kSectorPlainBytes)
      out += sector(at / kSectorPlainBytes, content.substr(at, kSectorPlainBytes));
    out.resize(lower_size_of(content.size()), '\0');
    return out;
  }

  const Envelope& envelope() { return envelope_; }
  const FileKey& file_key() { return *content_; }

 private:
  AttackWorld& world_;
  FileId file_;
  const VolumeKeys& keys_;
  HeaderPage page_{};
  std::unique_ptr<FileKey> content_;
  Envelope envelope_;
};

class AttackW14 : public testing::Test {
 protected:
  AttackW14() {
    world_.keep_random_file("victim", kSectorPlainBytes + 1000);
    world_.keep_random_file("bystander", 100);
  }

  HeaderPage header_of(const LowerCopy& copy) {
    HeaderPage page;
    std::ranges::copy(first_bytes(copy.bytes(), kPageBytes), page.begin());
    return page;
  }
  FileId file_id(const LowerCopy& copy) { return decode_prefix(prefix_of(header_of(copy))).value().file; }

  void expect_noticed(const LowerCopy& victim) {
    ASSERT_TRUE(noticed(world_, {.plain = "victim"}));
    victim.put_back();
  }

  AttackWorld world_{9};
  VolumeKeys guessed_{world_.keys.volume(), random_secret<VolumeSecret>(world_.entropy)};
  const std::string evil_ = std::string(kSectorPlainBytes + 1000, 'e');
};

// With the right secret the same bytes are a file: so it is the secret that the others fail for.
TEST_F(AttackW14, TheForgersFileOpensForWhoHasTheVolumeSecret) {
  const LowerCopy victim(world_, "victim");
  spill(victim.path(), Forger(world_, FileId::random(world_.entropy), world_.keys).whole_file(evil_));
  world_.known["victim"].content = evil_;
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW14, AWholeForgedFileInAFilesPlaceIsNoticed) {
  const LowerCopy victim(world_, "victim");
  for (const FileId& file : {file_id(victim), FileId::random(world_.entropy)}) {
    spill(victim.path(), Forger(world_, file, guessed_).whole_file(evil_));
    ASSERT_NO_FATAL_FAILURE(expect_noticed(victim));
  }
}

TEST_F(AttackW14, AForgedHeaderOverAFilesOwnSectorsIsNoticed) {
  const LowerCopy victim(world_, "victim");
  Forger forger(world_, file_id(victim), guessed_);
  victim.lay_over(0, text_of(forger.header(evil_.size())));
  expect_noticed(victim);
}

TEST_F(AttackW14, AForgedEnvelopeBehindAFilesOwnPrefixIsNoticed) {
  const LowerCopy victim(world_, "victim");
  const FileId file = file_id(victim);
  Forger forger(world_, file, guessed_);
  for (const bool has_right_mac : {false, true}) {
    HeaderPage page = header_of(victim);
    Envelope envelope = forger.envelope();
    envelope.generation = 5;
    const MacKey mac = (has_right_mac ? world_.keys : guessed_).slot_mac(file);
    ASSERT_TRUE(is_ok(encode_slot(envelope, {prefix_of(page), 1, mac}, slot_of(page, 1))));
    victim.lay_over(0, text_of(page));
    ASSERT_NO_FATAL_FAILURE(expect_noticed(victim)) << has_right_mac;
  }
}

// Even somebody with the MAC keys cannot exchange the data key: the commitment does not match.
TEST_F(AttackW14, AForgedCommitmentIsNoticed) {
  const LowerCopy victim(world_, "victim");
  Forger forger(world_, file_id(victim), guessed_);
  HeaderPage page = header_of(victim);
  set_commitment(file_commitment(forger.file_key()), prefix_of(page));
  victim.lay_over(0, text_of(page));
  ASSERT_NO_FATAL_FAILURE(expect_noticed(victim));
  const auto header = decode_header(header_of(victim), world_.keys);
  ASSERT_TRUE(is_ok(header));
  ASSERT_TRUE(is_ok(finish_header(forger.envelope(), header->state, world_.keys, file_id(victim), page)));
  victim.lay_over(0, text_of(page));
  expect_noticed(victim);
}

TEST_F(AttackW14, ForgedSectorsAreNoticed) {
  const LowerCopy victim(world_, "victim");
  Forger forger(world_, file_id(victim), guessed_);
  for (std::uint64_t index = 0; index < 2; ++index) {
    victim.lay_over(sector_offset(index),
                    forger.sector(index, evil_.substr(index * kSectorPlainBytes, kSectorPlainBytes)));
    ASSERT_NO_FATAL_FAILURE(expect_noticed(victim));
  }
}

TEST_F(AttackW14, AnEmptyListOfRecipientsIsNoticedEvenUnderARightMac) {
  const LowerCopy victim(world_, "victim");
  HeaderPage page = header_of(victim);
  const SlotSpan slot = slot_of(page, 0);
  std::ranges::fill(slot, std::uint8_t{0});
  slot[0] = 1;  // generation 1, no recipient
  victim.lay_over(0, text_of(page));
  ASSERT_NO_FATAL_FAILURE(expect_noticed(victim));
  const std::uint8_t index = 0;
  const Digest mac = hmac_sha256(world_.keys.slot_mac(file_id(victim)).expose(),
                                 {prefix_of(page), {&index, 1}, slot.first<kSlotBytes - 32>()});
  std::ranges::copy(mac, slot.last<32>().begin());
  victim.lay_over(0, text_of(page));
  expect_noticed(victim);
}

// Key overwriting: between creat(2) and the first write the header becomes the attacker's.
TEST_F(AttackW14, AForgedHeaderBetweenCreationAndTheFirstWriteGetsNoContent) {
  const std::string secret = "what the user writes into the new file";
  auto created = world_.tree().create(kRootInode, "fresh", 0644, world_.caller());
  ASSERT_TRUE(is_ok(created));
  const LowerCopy fresh(world_, "fresh");
  Forger forger(world_, file_id(fresh), guessed_);
  fresh.lay_over(0, text_of(forger.header(0)));
  std::ignore = created->handle->write(0, as_bytes(secret));
  std::ignore = created->handle->flush();
  std::ignore = created->handle->release();
  const std::string written = slurp(fresh.path());
  EXPECT_EQ(written.find(secret), std::string::npos);
  if (written.size() > sector_offset(1)) {
    Gcm known(content_key(forger.file_key(), 0).expose());
    std::array<std::uint8_t, kSectorPlainBytes> plain{};
    const ConstSectorPage page(as_bytes(written).subspan(sector_offset(0)).first<kPageBytes>());
    EXPECT_FALSE(open_sector(known, {world_.keys.volume(), file_id(fresh), 0}, page, plain));
  }
  world_.known["fresh"].content = secret;
  EXPECT_TRUE(noticed(world_, {.plain = "fresh"}));
}

// The same where the file was closed in between: whoever opens it for writing is refused, so nothing is ever
// written under the attacker's key.
TEST_F(AttackW14, AForgedEmptyFileIsNotOpenedForWriting) {
  world_.keep_file("fresh", "");
  const LowerCopy fresh(world_, "fresh");
  for (const FileId& file : {file_id(fresh), FileId::random(world_.entropy)}) {
    const std::string forged = Forger(world_, file, guessed_).whole_file("");
    spill(fresh.path(), forged);
    world_.open_anew();
    AttributeChanges emptied;
    emptied.length = 0;
    for (const int flags : {O_WRONLY, O_RDWR})
      EXPECT_EQ(errno_of_result(world_.tree().open_file(world_.inode("fresh"), flags)), EIO);
    EXPECT_EQ(errno_of_result(world_.tree().set_attributes(world_.inode("fresh"), emptied)), EIO);
    EXPECT_EQ(slurp(fresh.path()), forged);
    ASSERT_TRUE(noticed(world_, {.plain = "fresh"}));
    fresh.put_back();
  }
}

// A symlink is sealed under a key from the volume secret alone.
TEST_F(AttackW14, AForgedSymlinkIsNoticed) {
  world_.keep_symlink("link", "target");
  const LowerCopy link(world_, "link");
  Special special;
  special.file = peek_special(as_bytes(link.bytes()))->file;
  special.target = "/etc/shadow";
  spill(link.path(), text_of(seal_special(special, guessed_, world_.entropy)));
  ASSERT_TRUE(noticed(world_, {.plain = "link"}));
  link.put_back();
  spill(world_.lower("victim"), text_of(seal_special(special, guessed_, world_.entropy)));
  world_.known["victim"] = {S_IFLNK, "what a forged link must not show", 0, {}};
  EXPECT_TRUE(noticed(world_, {.plain = "victim"}));
}

}  // namespace
}  // namespace enfold
