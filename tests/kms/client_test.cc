#include "kms/client/embedded_kms.h"

#include "kms/crypto/hkdf.h"
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

// A client without batches of its own.
class OneByOne final : public KmsClient {
 public:
  explicit OneByOne(KmsClient& kms) : kms_(kms) {}
  Result<GeneratedDataKey> generate_data_key(const std::string& key,
                                             const EncryptionContext& context) override {
    return kms_.generate_data_key(key, context);
  }
  Result<Bytes> encrypt(const std::string& key, ByteSpan plaintext,
                        const EncryptionContext& context) override {
    return kms_.encrypt(key, plaintext, context);
  }
  Result<std::string> decrypt(const std::string& key_arn, ByteSpan ciphertext,
                              const EncryptionContext& context,
                              std::span<std::uint8_t, 32> plaintext) override {
    return kms_.decrypt(key_arn, ciphertext, context, plaintext);
  }
  Result<KeyDescription> describe_key(const std::string& key) override { return kms_.describe_key(key); }

 private:
  KmsClient& kms_;
};

// What `wrapping` and `opening` make of more keys than the engine takes at once; the context of the last one
// is another when it is opened.
void expect_batches(KmsClient& wrapping, KmsClient& opening, const std::string& arn) {
  const std::size_t count = 2 * kMaxBatchEntries + 1;
  std::vector<DataKey> keys;
  std::vector<EncryptionContext> contexts;
  for (std::size_t i = 0; i < count; ++i) {
    keys.push_back(DataKey(sha256({as_bytes(std::to_string(i))})));
    contexts.push_back({{"file", std::to_string(i)}});
  }
  std::vector<EncryptItem> plain;
  for (std::size_t i = 0; i < count; ++i) plain.push_back({keys[i], contexts[i]});
  const auto wrapped = wrapping.encrypt_batch(arn, plain);
  ASSERT_EQ(wrapped.size(), count);
  const EncryptionContext wrong;
  std::vector<DecryptItem> sealed;
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(wrapped[i]);
    sealed.push_back({*wrapped[i], i + 1 < count ? contexts[i] : wrong});
  }
  const auto opened = opening.decrypt_batch(arn, sealed);
  ASSERT_EQ(opened.size(), count);
  const std::string material = opening.describe_key(arn)->material_id;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    ASSERT_TRUE(opened[i]) << i;
    ASSERT_EQ(to_hex(opened[i]->plaintext.expose()), to_hex(keys[i].expose())) << i;
    ASSERT_EQ(opened[i]->material_id, material);
  }
  EXPECT_EQ(outcome(opened.back()), "kms-invalid-ciphertext");
  EXPECT_NE(opened.back().error().message, "");
}

TEST_F(ClientTest, AnswersABatchAsItAnswersOneByOne) {
  OneByOne single(*client_);
  expect_batches(*client_, *client_, arn_);
  expect_batches(*client_, single, arn_);
  expect_batches(single, *client_, arn_);
}

TEST_F(ClientTest, GivesEachItemOfABatchTheErrorOfTheKey) {
  const DataKey key(sha256({}));
  const Bytes wrapped = client_->encrypt(arn_, key.expose(), context_).value();
  const Bytes of_another_length = client_->encrypt(arn_, Bytes(31, 9), context_).value();
  const std::vector<DecryptItem> items{{wrapped, context_}, {of_another_length, context_}};
  const auto opened = client_->decrypt_batch(arn_, items);
  EXPECT_EQ(outcome(opened[0]) + " " + outcome(opened[1]), "ok kms-bad-answer");
  EXPECT_TRUE(client_->decrypt_batch(arn_, {}).empty());

  ASSERT_TRUE(engine_->disable_key(local_scope(), arn_));
  const auto refused = client_->decrypt_batch(arn_, items);
  EXPECT_EQ(outcome(refused[0]) + " " + outcome(refused[1]), "kms-disabled kms-disabled");
  EXPECT_EQ(outcome(client_->encrypt_batch(arn_, std::vector<EncryptItem>{{key, context_}})[0]),
            "kms-disabled");
}

// An alias of another region was looked for in the store's own.
TEST_F(ClientTest, FindsAnAliasInTheRegionOfItsArn) {
  const CallScope there{"eu-west-1", "123456789012"};
  const std::string key = engine_->create_key(there, {}).value().arn;
  ASSERT_TRUE(engine_->create_alias(there, "alias/far", key));
  const auto found = client_->describe_key("arn:aws:kms:eu-west-1:123456789012:alias/far");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->key_arn, key);
}

TEST_F(ClientTest, AddressesAKeyInItsOwnRegion) {
  KeyMetadata key = engine_->create_key(CallScope{"eu-west-1", "123456789012"}, {}).value();
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
  for (const char* url : {"unix:/run/kms", "http://127.0.0.1:1", "https://kms.example"})
    EXPECT_EQ(outcome(open_kms(url, unused)), "ok") << url << ": nobody is asked before the first call";
  for (const char* url : {"", "embedded:", "ftp://kms.example"})
    EXPECT_EQ(outcome(open_kms(url, unused)), "unsupported") << url;
  EXPECT_EQ(outcome(open_kms("http://kms.example", unused)), "invalid-argument");
}

}  // namespace
}  // namespace enfold
