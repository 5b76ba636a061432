#include "kms/store/root_key.h"

#include <cstdlib>
#include <fstream>

#include "kms/store/passphrase_origin.h"
#include "kms/store/root_key_file.h"
#include "tests/kms/support.h"

namespace enfold {
namespace {

// A credentials directory as systemd gives a unit, for as long as it lives.
class Credential {
 public:
  explicit Credential(const std::string& content = "credential of at least thirty-two bytes") {
    write(content);
    setenv("CREDENTIALS_DIRECTORY", (directory_ / "").c_str(), 1);
  }
  Credential(const Credential&) = delete;
  Credential& operator=(const Credential&) = delete;
  ~Credential() { unsetenv("CREDENTIALS_DIRECTORY"); }
  void write(const std::string& content) { std::ofstream(directory_ / "enfold-root") << content; }

 private:
  TempDir directory_;
};

const std::string kVectorKey = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf";

TEST(RootKey, IsRecoveredAndRefusedAsTheVectorsSay) {
  Credential credential;
  for (const auto& fields : vectors("root_key.txt")) {
    ASSERT_EQ(fields.size(), 3U);
    SCOPED_TRACE(fields[0]);
    FixedPassphrase passphrase;
    Result<RootKey> key = recover_root_key(vector_bytes(fields[2]), passphrase);
    EXPECT_EQ(outcome(key), fields[1]);
    if (key) {
      EXPECT_EQ(to_hex(key->expose()), kVectorKey);
    }
    EXPECT_LE(passphrase.asked, 1);
  }
}

RootKeyChoice choice_of(const std::string& text) {
  Result<RootKeyChoice> choice = parse_root_key_choice(text);
  EXPECT_TRUE(choice) << text;
  choice->cost = {16, 1, 1};
  return *choice;
}

TEST(RootKey, ComesBackFromEachKind) {
  Credential credential;
  SystemEntropy entropy;
  for (const char* kind : {"generated", "passphrase", "credential:enfold-root"}) {
    SCOPED_TRACE(kind);
    FixedPassphrase passphrase;
    auto key = random_secret<RootKey>(entropy);
    Result<Bytes> content = protect_root_key(key, choice_of(kind), passphrase, entropy);
    ASSERT_TRUE(content) << describe(content.error());
    EXPECT_LE(content->size(), kMaxRootKeyFileBytes);
    Result<RootKey> back = recover_root_key(*content, passphrase);
    ASSERT_TRUE(back) << describe(back.error());
    EXPECT_EQ(to_hex(back->expose()), to_hex(key.expose()));
    EXPECT_EQ(passphrase.asked, std::string(kind) == "passphrase" ? 2 : 0);
  }
}

// Who opens a store after a failure asks again, and would be given what follows in the descriptor.
TEST(Passphrase, IsReadOnceEvenWhereReadingFails) {
  class Failing final : public ReadOncePassphrase {
   public:
    int count = 0;

   private:
    Result<WipedBytes> read() override {
      ++count;
      return make_error(Errc::kInvalidArgument, "it is too long");
    }
  };
  Failing source;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(outcome(source.passphrase()), "invalid-argument");
  EXPECT_EQ(source.count, 1);
}

TEST(RootKey, NoticesEachFlippedBitOfASealedOne) {
  Credential credential;
  SystemEntropy entropy;
  for (const char* kind : {"passphrase", "credential:enfold-root"}) {
    FixedPassphrase passphrase;
    Bytes content =
        protect_root_key(random_secret<RootKey>(entropy), choice_of(kind), passphrase, entropy).value();
    for (std::size_t i = 0; i < content.size(); ++i) {
      content[i] ^= 1;
      EXPECT_FALSE(recover_root_key(content, passphrase)) << kind << " byte " << i;
      content[i] ^= 1;
    }
  }
}

TEST(RootKey, SaysWhatIsWrongWithACredential) {
  SystemEntropy entropy;
  FixedPassphrase passphrase;
  RootKeyChoice choice = choice_of("credential:enfold-root");
  RootKey key;
  EXPECT_EQ(outcome(protect_root_key(key, choice, passphrase, entropy)), "not-found");
  Credential credential("too short");
  EXPECT_EQ(outcome(protect_root_key(key, choice, passphrase, entropy)), "invalid-argument");
  credential.write(std::string(5000, 'x'));
  EXPECT_EQ(outcome(protect_root_key(key, choice, passphrase, entropy)), "invalid-argument");
  choice.credential_name = "another";
  EXPECT_EQ(outcome(protect_root_key(key, choice, passphrase, entropy)), "not-found");
}

TEST(RootKey, RefusesAnEmptyPassphrase) {
  SystemEntropy entropy;
  FixedPassphrase empty("");
  EXPECT_EQ(outcome(protect_root_key(RootKey(), choice_of("passphrase"), empty, entropy)),
            "invalid-argument");
}

TEST(RootKeyChoice, TakesThreeFormsOnly) {
  for (const char* text :
       {"", "Generated", "credential:", "credential:..", "credential:a/b", "credential", "tpm2"})
    EXPECT_EQ(outcome(parse_root_key_choice(text)), "invalid-argument") << text;
}

}  // namespace
}  // namespace enfold
