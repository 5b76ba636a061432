#include "kms/client/embedded_kms.h"

#include "tests/kms/support.h"

namespace enfold {
namespace {

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    make_store(dir_);
    std::shared_ptr<Engine> engine = open_engine(dir_);
    engine_ = engine;
    arn_ = make_key(*engine);
    client_ = make_embedded_kms(std::move(engine));
  }

  TempDir temp_;
  std::string dir_ = temp_ / "kms";
  std::shared_ptr<Engine> engine_;
  std::string arn_;
  std::unique_ptr<KmsClient> client_;
  const EncryptionContext context_{{"file", "f"}};
  std::array<std::uint8_t, 32> plaintext_{};
};

TEST_F(ClientTest, GivesBackTheDataKeyItGenerated) {
  auto made = client_->generate_data_key(arn_, context_);
  ASSERT_TRUE(made) << describe(made.error());
  EXPECT_EQ(made->key_arn, arn_);
  ASSERT_TRUE(client_->decrypt(arn_, made->ciphertext, context_, plaintext_));
  EXPECT_EQ(to_hex(plaintext_), to_hex(made->plaintext.expose()));
}

TEST_F(ClientTest, WrapsAKeyOfTheCaller) {
  Bytes key(32, 9);
  Bytes wrapped = client_->encrypt(arn_, key, context_).value();
  ASSERT_TRUE(client_->decrypt(arn_, wrapped, context_, plaintext_));
  EXPECT_EQ(to_hex(plaintext_), to_hex(key));
}

TEST_F(ClientTest, RefusesAKeyOfAnotherLength) {
  Bytes wrapped = client_->encrypt(arn_, Bytes(31, 9), context_).value();
  EXPECT_EQ(outcome(client_->decrypt(arn_, wrapped, context_, plaintext_)), "kms-bad-answer");
}

TEST_F(ClientTest, ExplainsARefusedCiphertext) {
  Bytes wrapped = client_->encrypt(arn_, Bytes(32, 9), context_).value();
  auto answer = client_->decrypt(arn_, wrapped, {}, plaintext_);
  EXPECT_EQ(outcome(answer), "kms-invalid-ciphertext");
  EXPECT_NE(answer.error().message, "");
}

TEST_F(ClientTest, AddressesAKeyInItsOwnRegion) {
  KeyMetadata key = engine_->create_key({"eu-west-1", "123456789012"}, {}).value();
  auto made = client_->generate_data_key(key.arn, context_);
  ASSERT_TRUE(made) << describe(made.error());
  EXPECT_TRUE(client_->decrypt(key.arn, made->ciphertext, context_, plaintext_));
  EXPECT_EQ(client_->describe_key(key.arn)->state, "Enabled");
  EXPECT_EQ(outcome(client_->describe_key(key.key_id)), "kms-not-found");
}

TEST_F(ClientTest, OpensAUrl) {
  FixedPassphrase unused;
  auto opened = open_kms("embedded:" + dir_, unused);
  ASSERT_TRUE(opened) << describe(opened.error());
  EXPECT_EQ((*opened)->describe_key(arn_)->key_arn, arn_);
  EXPECT_EQ(outcome(open_kms("embedded:" + dir_ + "-none", unused)), "store-missing");
  for (const char* url : {"", "embedded:", "unix:/run/kms", "https://kms.example"})
    EXPECT_EQ(outcome(open_kms(url, unused)), "unsupported") << url;
}

}  // namespace
}  // namespace enfold
