#include "kms/crypto/siv.h"

#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "tests/crypto/hex.h"

namespace enfold {
namespace {

Siv keyed(const Bytes& key) { return Siv(std::span<const std::uint8_t, 64>(key)); }

struct Case {
  std::string number, result;
  Bytes key, associated, plaintext, ciphertext;
};

Bytes field(std::istream& in) {
  std::string text;
  in >> text;
  return text == "-" ? Bytes{} : hex(text);
}

std::vector<Case> wycheproof_cases() {
  std::ifstream file(ENFOLD_SOURCE_DIR "/tests/vectors/crypto/aes_siv_cmac_512.txt");
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream in(line);
    Case& c = cases.emplace_back();
    in >> c.number >> c.result;
    c.key = field(in);
    c.associated = field(in);
    c.plaintext = field(in);
    c.ciphertext = field(in);
  }
  return cases;
}

TEST(Siv, AgreesWithWycheproof) {
  std::vector<Case> cases = wycheproof_cases();
  ASSERT_GT(cases.size(), 30U);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.number);
    Siv siv = keyed(c.key);
    std::optional<Bytes> opened = siv.open(c.associated, c.ciphertext);
    if (c.result != "valid") {
      EXPECT_FALSE(opened);
      continue;
    }
    EXPECT_EQ(to_hex(siv.seal(c.associated, c.plaintext)), to_hex(c.ciphertext));
    ASSERT_TRUE(opened);
    EXPECT_EQ(to_hex(*opened), to_hex(c.plaintext));
  }
}

// The first of the two 256-bit-subkey examples that NIST carries for SIV, as the Miscreant project prints it.
const Bytes kKey =
    hex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f06f6e6d6c6b6a69686766656463626160"
        "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f");
const Bytes kAssociated = hex("101112131415161718191a1b1c1d1e1f2021222324252627");
const Bytes kPlaintext = hex("112233445566778899aabbccddee");
const Bytes kSealed = hex("f125274c598065cfc26b0e71575029088b035217e380cac8919ee800c126");

TEST(Siv, SealsTheNistExample) {
  EXPECT_EQ(to_hex(keyed(kKey).seal(kAssociated, kPlaintext)), to_hex(kSealed));
}

TEST(Siv, RefusesEachFlippedBitAndEachCut) {
  Siv siv = keyed(kKey);
  for (std::size_t bit = 0; bit < kSealed.size() * 8; ++bit) {
    Bytes changed = kSealed;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(siv.open(kAssociated, changed));
  }
  for (std::size_t size = 0; size < kSealed.size(); ++size)
    EXPECT_FALSE(siv.open(kAssociated, ByteSpan(kSealed).first(size)));
  EXPECT_FALSE(siv.open({}, kSealed));
}

TEST(Siv, TellsAnEmptyVectorFromOtherAssociatedData) {
  Siv siv = keyed(kKey);
  std::uint8_t zero = 0;
  Bytes sealed = siv.seal({}, kPlaintext);
  EXPECT_TRUE(siv.open({}, sealed));
  EXPECT_FALSE(siv.open({&zero, 1}, sealed));
  EXPECT_NE(to_hex(sealed), to_hex(siv.seal({&zero, 1}, kPlaintext)));
}

TEST(Siv, IsSharedByThreads) {
  Siv siv = keyed(kKey);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&siv] {
      for (int round = 0; round < 500; ++round) {
        EXPECT_EQ(siv.seal(kAssociated, kPlaintext), kSealed);
        EXPECT_EQ(siv.open(kAssociated, kSealed), kPlaintext);
      }
    });
  }
}

TEST(Siv, CanBeMoved) {
  Siv first = keyed(kKey);
  Siv second = std::move(first);
  EXPECT_EQ(second.open(kAssociated, kSealed), kPlaintext);
}

}  // namespace
}  // namespace enfold
