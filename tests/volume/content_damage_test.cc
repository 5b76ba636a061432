// What someone does who can write to the lower file: reading gives kDamaged, never other plaintext, and the
// sectors beside it stay readable.
#include "tests/volume/content_support.h"

namespace enfold {
namespace {

constexpr std::uint64_t kSectors = 6;
constexpr std::uint64_t kLength = (kSectors - 1) * kSectorPlainBytes + 1234;

class ContentDamage : public testing::Test {
 protected:
  ContentDamage() {
    auto body = world_.create();
    EXPECT_TRUE(is_ok(body->write(0, plain_)));
    EXPECT_TRUE(is_ok(body->seal(0)));
    good_ = world_.lower.bytes();
  }

  Bytes page(std::uint64_t index) const {
    const ByteSpan bytes = ByteSpan(good_).subspan(sector_offset(index), kPageBytes);
    return {bytes.begin(), bytes.end()};
  }

  // Every byte of the sector is refused, through a full read, a partial read and a partial write; `out` is
  // wiped.
  void expect_damaged(std::uint64_t index) {
    auto body = world_.open();
    ASSERT_TRUE(is_ok(body));
    Bytes out(kSectorPlainBytes, 0xee);
    auto read = (*body)->read(index * kSectorPlainBytes, out);
    EXPECT_EQ(code_of(read), Errc::kDamaged) << "sector " << index;
    EXPECT_TRUE(all_zero(out));
    EXPECT_EQ(code_of((*body)->read(index * kSectorPlainBytes + 7, MutableByteSpan(out).first(9))),
              Errc::kDamaged);
    EXPECT_EQ(code_of(content_of(**body)), Errc::kDamaged);
    EXPECT_EQ(code_of((*body)->write(index * kSectorPlainBytes + 7, Bytes(9))), Errc::kDamaged);
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().message.find((*body)->file_id().hex()), std::string::npos);
    EXPECT_NE(read.error().message.find("sector " + std::to_string(index)), std::string::npos);
    expect_rest_reads(**body, index);
  }

  void expect_rest_reads(FileBody& body, std::uint64_t damaged) {
    for (std::uint64_t index = 0; index < kSectors; ++index) {
      if (index == damaged) continue;
      Bytes out(sector_plain_bytes(kLength, index));
      ASSERT_TRUE(is_ok(body.read(index * kSectorPlainBytes, out))) << "sector " << index;
      EXPECT_TRUE(std::ranges::equal(out, ByteSpan(plain_).subspan(index * kSectorPlainBytes, out.size())));
    }
  }

  ContentWorld world_;
  Bytes plain_ = random_bytes(world_.entropy, kLength);
  Bytes good_;
};

TEST_F(ContentDamage, IsNoticedForABitInEachPartOfEachSector) {
  for (std::uint64_t index = 0; index < kSectors; ++index) {
    for (std::uint64_t at : {0U, 11U, 12U, 27U, 28U, 29U, 30U, 31U, 32U, 2000U, 4095U}) {
      Bytes flipped = page(index);
      flipped[at] = static_cast<std::uint8_t>(flipped[at] ^ (1U << world_.entropy.below(8)));
      world_.lower.put(sector_offset(index), flipped);
      ASSERT_NO_FATAL_FAILURE(expect_damaged(index)) << "byte " << at;
    }
    world_.lower.put(sector_offset(index), page(index));
  }
}

// Nobody reads the tail, so what is planted there shows in a check alone.
TEST_F(ContentDamage, OfTheTailIsForTheCheckToFind) {
  for (std::uint64_t at : {std::uint64_t{0}, kLength % kSectorPlainBytes - 1}) {
    world_.lower.replace(good_);
    ASSERT_TRUE(is_ok((*world_.open())->verify_tail()));
    world_.lower.put(sector_offset(kSectors) + at, Bytes{1});
    auto body = world_.open();
    ASSERT_TRUE(is_ok(body));
    EXPECT_EQ(content_of(**body).value(), plain_);
    EXPECT_EQ(code_of((*body)->verify_tail()), Errc::kDamaged);
  }
}

TEST_F(ContentDamage, IsNoticedForEachTwoSectorsSwapped) {
  for (std::uint64_t a = 0; a < kSectors; ++a) {
    for (std::uint64_t b = a + 1; b < kSectors; ++b) {
      world_.lower.put(sector_offset(a), page(b));
      ASSERT_NO_FATAL_FAILURE(expect_damaged(a));
      world_.lower.put(sector_offset(a), page(a));
      world_.lower.put(sector_offset(b), page(a));
      ASSERT_NO_FATAL_FAILURE(expect_damaged(b));
      world_.lower.put(sector_offset(b), page(b));
    }
  }
}

TEST_F(ContentDamage, IsNoticedForEachZeroedSectorOfAFileThatWasNeverSparse) {
  for (std::uint64_t index = 0; index < kSectors; ++index) {
    world_.lower.put(sector_offset(index), Bytes(kPageBytes));
    ASSERT_NO_FATAL_FAILURE(expect_damaged(index));
    world_.lower.put(sector_offset(index), page(index));
  }
}

TEST_F(ContentDamage, IsNoticedForASectorOfAnotherFile) {
  ContentWorld other(1);
  auto body = other.create();
  ASSERT_TRUE(is_ok(body->write(0, plain_)));
  const Bytes theirs = other.lower.bytes();
  world_.lower.put(sector_offset(2), ByteSpan(theirs).subspan(sector_offset(2), kPageBytes));
  expect_damaged(2);
}

TEST_F(ContentDamage, IsNoticedForEverySizeButTheSealedOne) {
  for (std::uint64_t size = 0; size <= good_.size() + 2 * kPageBytes; size += 1 + world_.entropy.below(200)) {
    if (size == good_.size()) continue;
    world_.lower.replace(ByteSpan(good_).first(std::min<std::uint64_t>(size, good_.size())));
    world_.lower.truncate(size);
    EXPECT_EQ(code_of(world_.open()), Errc::kDamaged) << size << " bytes";
  }
  for (std::uint64_t edge = 0; edge <= kSectors + 2; ++edge) {
    world_.lower.replace(good_);
    world_.lower.truncate(edge * kPageBytes);
    EXPECT_EQ(code_of(world_.open()), Errc::kDamaged) << edge << " pages";
  }
}

TEST_F(ContentDamage, IsNoticedInTheSectorsThatAreCutOffAnOpenFile) {
  auto body = world_.open();
  ASSERT_TRUE(is_ok(body));
  world_.lower.truncate(sector_offset(3));
  Bytes out(kSectorPlainBytes);
  EXPECT_TRUE(is_ok((*body)->read(0, out)));
  EXPECT_EQ(code_of((*body)->read(3 * kSectorPlainBytes, out)), Errc::kDamaged);
  EXPECT_EQ(code_of((*body)->read(2 * kSectorPlainBytes + 1, out)), Errc::kDamaged);
}

TEST_F(ContentDamage, IsNoticedForEachByteOfTheHeader) {
  for (std::uint64_t at = 0; at < kPageBytes; at += 1 + world_.entropy.below(8)) {
    Bytes bytes = good_;
    bytes[at] ^= 0x10;
    world_.lower.put(0, ByteSpan(bytes).first(kPageBytes));
    auto opened = world_.open();
    ASSERT_FALSE(opened) << "byte " << at;
    EXPECT_TRUE(opened.error().code == Errc::kDamaged || opened.error().code == Errc::kUnsupported);
  }
}

TEST_F(ContentDamage, IsNoticedForAHeaderOfZeros) {
  world_.lower.put(0, Bytes(kPageBytes));
  EXPECT_EQ(code_of(world_.open()), Errc::kDamaged);
}

TEST_F(ContentDamage, IsNoticedForTheHeaderOfAnotherFile) {
  ContentWorld other(1);
  auto body = other.create();
  ASSERT_TRUE(is_ok(body->write(0, plain_)));
  ASSERT_TRUE(is_ok(body->seal(0)));
  world_.lower.put(0, ByteSpan(other.lower.bytes()).first(kPageBytes));
  // The KMS here does not know that file's key; one that does gives keys under which no sector verifies.
  EXPECT_EQ(code_of(world_.open()), Errc::kKmsInvalidCiphertext);
  auto opened = FileBody::open(other.context, world_.lower.descriptor(), false);
  ASSERT_TRUE(is_ok(opened));
  EXPECT_EQ(code_of(content_of(**opened)), Errc::kDamaged);
}

TEST_F(ContentDamage, IsNoticedForAnOlderStateRecordOfAnotherLength) {
  auto body = world_.open();
  ASSERT_TRUE(is_ok((*body)->write(kLength, Bytes(10))));
  ASSERT_TRUE(is_ok((*body)->seal(0)));
  body->reset();
  world_.lower.put(kStateOffset, ByteSpan(good_).subspan(kStateOffset, kStateBytes));
  EXPECT_EQ(code_of(world_.open()), Errc::kDamaged);
}

TEST_F(ContentDamage, IsNoticedForAFreshEnvelopeWhoseDataKeyIsKnown) {
  // The attacker has the KMS wrap a key of his own in the file's context, and puts it into a page with the
  // old prefix: without the volume secret its MAC is wrong. Even one with a good MAC fails the commitment.
  HeaderPage page{};
  std::ranges::copy(ByteSpan(good_).first(kPageBytes), page.begin());
  const Header header = decode_header(page, world_.keys).value();
  const Bytes known(32, 0x42);
  const auto context = file_key_context(world_.keys.volume(), header.prefix.file);
  const Envelope forged{
      2, {{Provider::kAwsKms, kFakeKeyArn, world_.kms.encrypt(kFakeKeyArn, known, context).value()}}};
  const MacKey wrong_key;
  ASSERT_TRUE(is_ok(encode_slot(forged, {prefix_of(page), 1, wrong_key}, slot_of(page, 1))));
  world_.lower.put(0, page);
  EXPECT_EQ(code_of(world_.open()), Errc::kDamaged);

  const MacKey slot_key = world_.keys.slot_mac(header.prefix.file);
  ASSERT_TRUE(is_ok(encode_slot(forged, {prefix_of(page), 1, slot_key}, slot_of(page, 1))));
  world_.lower.put(0, page);
  world_.cache.forget(header.prefix.file);
  EXPECT_EQ(code_of(world_.open()), Errc::kKmsBadAnswer);
}

TEST_F(ContentDamage, InTheOldLastSectorFailsAGrowthAndChangesNothing) {
  Bytes bytes = good_;
  bytes[sector_offset(kSectors - 1) + 100] ^= 1;
  world_.lower.replace(bytes);
  auto body = world_.open();
  ASSERT_TRUE(is_ok(body));
  EXPECT_EQ(code_of((*body)->write(kLength, Bytes(1))), Errc::kDamaged);
  EXPECT_EQ(code_of((*body)->write(kLength + 50'000, Bytes(1))), Errc::kDamaged);
  EXPECT_EQ(code_of((*body)->resize(kLength + 50'000)), Errc::kDamaged);
  EXPECT_EQ(code_of((*body)->resize(kLength - 1)), Errc::kDamaged);
  EXPECT_EQ((*body)->length(), kLength);
  EXPECT_EQ(world_.lower.bytes(), bytes);
}

TEST_F(ContentDamage, IsCuredByOverwritingTheWholeSectorOrCuttingIt) {
  for (std::uint64_t index : {1U, 5U}) world_.lower.put(sector_offset(index), Bytes(kPageBytes, 0x77));
  auto body = world_.open();
  ASSERT_TRUE(is_ok(
      (*body)->write(kSectorPlainBytes, ByteSpan(plain_).subspan(kSectorPlainBytes, kSectorPlainBytes))));
  ASSERT_TRUE(is_ok((*body)->resize(5 * kSectorPlainBytes)));
  auto content = content_of(**body);
  ASSERT_TRUE(is_ok(content));
  EXPECT_TRUE(std::ranges::equal(*content, ByteSpan(plain_).first(5 * kSectorPlainBytes)));
}

}  // namespace
}  // namespace enfold
