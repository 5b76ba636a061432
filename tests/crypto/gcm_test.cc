#include "kms/crypto/gcm.h"

#include "tests/crypto/hex.h"

namespace enfold {
namespace {

struct Vector {
  const char* name;
  std::string_view key, nonce, associated, plaintext, ciphertext, tag;
};

// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test cases 13 to 16 (those for
// AES-256 with a 96-bit nonce).
constexpr std::string_view kZeroKey = "0000000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view kKey = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
constexpr std::array kVectors{
    Vector{"13", kZeroKey, "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    Vector{"14", kZeroKey, "000000000000000000000000", "", "00000000000000000000000000000000",
           "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    Vector{"15", kKey, "cafebabefacedbaddecaf888", "",
           "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
           "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
           "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
           "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
           "b094dac5d93471bdec1a502270e3cc6c"},
    Vector{"16", kKey, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
           "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
           "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
           "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
           "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
           "76fc6ece0f4e1768cddf8853bb2d551b"},
};

Gcm keyed(std::string_view key) {
  Bytes bytes = hex(key);
  return Gcm(std::span<const std::uint8_t, 32>(bytes));
}

using Tag = std::array<std::uint8_t, kGcmTagBytes>;

TEST(Gcm, SealsThePublishedVectors) {
  for (const Vector& v : kVectors) {
    SCOPED_TRACE(v.name);
    Bytes plaintext = hex(v.plaintext);
    Bytes ciphertext(plaintext.size());
    Tag tag{};
    keyed(v.key).seal(hex(v.nonce), hex(v.associated), plaintext, ciphertext, tag);
    EXPECT_EQ(to_hex(ciphertext), v.ciphertext);
    EXPECT_EQ(to_hex(tag), v.tag);
  }
}

TEST(Gcm, OpensThePublishedVectors) {
  for (const Vector& v : kVectors) {
    SCOPED_TRACE(v.name);
    Bytes ciphertext = hex(v.ciphertext);
    Bytes plaintext(ciphertext.size());
    Bytes tag = hex(v.tag);
    ASSERT_TRUE(keyed(v.key).open(hex(v.nonce), hex(v.associated), ciphertext,
                                  std::span<const std::uint8_t, kGcmTagBytes>(tag), plaintext));
    EXPECT_EQ(to_hex(plaintext), v.plaintext);
  }
}

TEST(Gcm, SealsAndOpensOneMessageWithAssociatedDataInParts) {
  for (const Vector& v : kVectors) {
    SCOPED_TRACE(v.name);
    const Bytes key = hex(v.key);
    const std::span<const std::uint8_t, 32> key_span(key);
    const Bytes associated = hex(v.associated);
    Bytes text = hex(v.plaintext);
    Tag tag{};
    for (std::size_t cut = 0; cut <= associated.size(); ++cut) {
      const ByteSpan first = ByteSpan(associated).first(cut);
      const ByteSpan rest = ByteSpan(associated).subspan(cut);
      seal_gcm(key_span, hex(v.nonce), {first, rest}, text, text, tag);
      EXPECT_EQ(to_hex(text), v.ciphertext);
      EXPECT_EQ(to_hex(tag), v.tag);
      ASSERT_TRUE(open_gcm(key_span, hex(v.nonce), {first, {}, rest}, text, tag, text));
      EXPECT_EQ(to_hex(text), v.plaintext);
    }
  }
}

class SealedVector {
 public:
  Bytes nonce = hex(kVectors[3].nonce);
  Bytes associated = hex(kVectors[3].associated);
  Bytes ciphertext = hex(kVectors[3].ciphertext);
  Bytes tag = hex(kVectors[3].tag);

  bool opens() {
    const std::span<const std::uint8_t, kGcmTagBytes> tag_span(tag);
    plaintext.assign(ciphertext.size(), 0xee);
    const bool verified = gcm_.open(nonce, associated, ciphertext, tag_span, plaintext);
    Bytes once(ciphertext.size(), 0xee);
    EXPECT_EQ(open_gcm(key_, nonce, {associated}, ciphertext, tag_span, once), verified);
    EXPECT_EQ(once, plaintext);
    return verified;
  }
  Bytes plaintext;

 private:
  Bytes key_bytes_ = hex(kKey);
  std::span<const std::uint8_t, 32> key_{key_bytes_};
  Gcm gcm_ = keyed(kKey);
};

TEST(Gcm, RefusesEachFlippedBitAndWipesWhatItDecrypted) {
  SealedVector sealed;
  for (Bytes* part : {&sealed.nonce, &sealed.associated, &sealed.ciphertext, &sealed.tag}) {
    for (std::size_t bit = 0; bit < part->size() * 8; ++bit) {
      (*part)[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      EXPECT_FALSE(sealed.opens());
      EXPECT_TRUE(all_zero(sealed.plaintext));
      (*part)[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    }
  }
  EXPECT_TRUE(sealed.opens()) << "a refusal must not spoil the context";
}

TEST(Gcm, WorksInPlaceAndAlternatesBetweenSealingAndOpening) {
  Gcm gcm = keyed(kKey);
  Bytes nonce = hex(kVectors[3].nonce);
  Bytes buffer = hex(kVectors[3].plaintext);
  Tag tag{};
  for (int round = 0; round < 3; ++round) {
    gcm.seal(nonce, {}, buffer, buffer, tag);
    EXPECT_NE(to_hex(buffer), kVectors[3].plaintext);
    ASSERT_TRUE(gcm.open(nonce, {}, buffer, tag, buffer));
    EXPECT_EQ(to_hex(buffer), kVectors[3].plaintext);
  }
}

}  // namespace
}  // namespace enfold
