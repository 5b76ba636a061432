#include "kms/crypto/scrypt.h"

#include "tests/crypto/hex.h"

namespace enfold {
namespace {

std::string scrypt_hex(std::string_view passphrase, std::string_view salt, const ScryptCost& cost) {
  Bytes out(64);
  EXPECT_TRUE(scrypt(as_bytes(passphrase), as_bytes(salt), cost, out));
  return to_hex(out);
}

TEST(Scrypt, AgreesWithRfc7914) {
  EXPECT_EQ(scrypt_hex("", "", {16, 1, 1}),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
            "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
  EXPECT_EQ(scrypt_hex("password", "NaCl", {1024, 8, 16}),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
            "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
  EXPECT_EQ(scrypt_hex("pleaseletmein", "SodiumChloride", {16384, 8, 1}),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
            "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
}

TEST(Scrypt, RefusesAForgedCost) {
  Bytes out(32);
  for (const ScryptCost& cost :
       {ScryptCost{0, 8, 1}, ScryptCost{1, 8, 1}, ScryptCost{1000, 8, 1}, ScryptCost{1U << 23, 8, 1},
        ScryptCost{1U << 17, 0, 1}, ScryptCost{1U << 17, 33, 1}, ScryptCost{1U << 17, 8, 0},
        ScryptCost{1U << 17, 8, 17}, ScryptCost{1U << 22, 32, 1}}) {
    auto result = scrypt(as_bytes("p"), as_bytes("s"), cost, out);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::kInvalidArgument);
  }
}

}  // namespace
}  // namespace enfold
