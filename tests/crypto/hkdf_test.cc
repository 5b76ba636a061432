#include "kms/crypto/hkdf.h"

#include <set>

#include "kms/base/secret.h"
#include "tests/crypto/hex.h"

namespace enfold {
namespace {

Bytes counting(std::uint8_t first, std::size_t count) {
  Bytes out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<std::uint8_t>(first + i);
  return out;
}

std::string hkdf(ByteSpan key, ByteSpan salt, ByteSpan info, std::size_t size) {
  Bytes out(size);
  hkdf_sha256(key, salt, info, out);
  return to_hex(out);
}

TEST(Hkdf, AgreesWithRfc5869) {
  Bytes key(22, 0x0b);
  EXPECT_EQ(hkdf(key, counting(0, 13), counting(0xf0, 10), 42),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(hkdf(counting(0, 80), counting(0x60, 80), counting(0xb0, 80), 82),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87");
  EXPECT_EQ(hkdf(key, {}, {}, 42),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Hkdf, PutsLabelAndItsLengthBeforeTheContext) {
  Bytes key(32, 7);
  Bytes salt(16, 9);
  std::string_view text = text_of(Label::kContent);
  Bytes info{static_cast<std::uint8_t>(text.size()), 0};
  info.insert(info.end(), text.begin(), text.end());
  info.push_back(0x55);
  auto derived = derive<ContentKey>(Label::kContent, key, salt, Bytes{0x55});
  EXPECT_EQ(to_hex(derived.expose()), hkdf(key, salt, info, 32));
}

TEST(Hkdf, ExtractsAsInRfc5869) {
  EXPECT_EQ(to_hex(extract(Bytes(22, 0x0b), counting(0, 13)).expose()),
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
}

TEST(Hkdf, DerivesTheSameInTwoSteps) {
  const Bytes key(64, 7);
  const Bytes context = counting(1, 100);
  const PseudorandomKey extracted = extract(key, counting(3, 16));
  EXPECT_EQ(to_hex(expand<NameKey>(Label::kName, extracted, context).expose()),
            to_hex(derive<NameKey>(Label::kName, key, counting(3, 16), context).expose()));
}

TEST(Labels, AreDistinctAndOfOurVersion) {
  std::set<std::string_view> texts;
  for (auto i = static_cast<int>(Label::kVolumeCommitment); i <= static_cast<int>(Label::kKmsExport); ++i) {
    std::string_view text = text_of(static_cast<Label>(i));
    EXPECT_TRUE(text.starts_with("enfold/1/")) << text;
    EXPECT_TRUE(texts.insert(text).second) << text;
  }
}

TEST(Hmac, AgreesWithRfc4231) {
  struct Case {
    Bytes key;
    std::string_view text, mac;
  };
  const std::string dd(50, '\xdd');
  const std::string cd(50, '\xcd');
  const std::array cases{
      Case{Bytes(20, 0x0b), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      Case{{'J', 'e', 'f', 'e'},
           "what do ya want for nothing?",
           "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      Case{Bytes(20, 0xaa), dd, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      Case{counting(1, 25), cd, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      Case{Bytes(131, 0xaa), "Test Using Larger Than Block-Size Key - Hash Key First",
           "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      Case{Bytes(131, 0xaa),
           "This is a test using a larger than block-size key and a larger than block-size data. The key "
           "needs to "
           "be hashed before being used by the HMAC algorithm.",
           "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const Case& c : cases) {
    ByteSpan text = as_bytes(c.text);
    EXPECT_EQ(to_hex(hmac_sha256(c.key, {text})), c.mac);
    EXPECT_EQ(to_hex(hmac_sha256(c.key, {text.first(3), {}, text.subspan(3)})), c.mac);
  }
}

TEST(Sha256, AgreesWithFips180) {
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256({as_bytes("a"), as_bytes("bc")})),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Comparison, LooksAtEveryByteAndTheLength) {
  Bytes a = counting(0, 32);
  for (std::size_t i = 0; i < a.size(); ++i) {
    Bytes b = a;
    b[i] ^= 0x80;
    EXPECT_FALSE(equal_in_constant_time(a, b));
  }
  EXPECT_TRUE(equal_in_constant_time(a, counting(0, 32)));
  EXPECT_FALSE(equal_in_constant_time(a, counting(0, 31)));
  EXPECT_TRUE(equal_in_constant_time({}, {}));
}

}  // namespace
}  // namespace enfold
