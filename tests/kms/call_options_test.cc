// DryRun, grant tokens and algorithms, which every cryptographic operation takes.
#include "tests/kms/engine_fixture.h"

namespace enfold {
namespace {

class CallOptionsTest : public EngineFixture {
 protected:
  CallOptionsTest() : blob_(engine_->encrypt(here_, {arn_, as_bytes("x"), {}})->ciphertext) {}

  // The outcomes of all five, with one blob.
  std::vector<std::string> outcomes(const CallOptions& options, const std::optional<std::string>& key = {}) {
    const std::string name = key.value_or(arn_);
    return {outcome(engine_->encrypt(here_, {name, as_bytes("x"), {}, {}, options})),
            outcome(engine_->decrypt(here_, {blob_, name, {}, {}, options})),
            outcome(engine_->re_encrypt(here_, {blob_, name, {}, name, {}, {}, {}, options})),
            outcome(engine_->generate_data_key(here_, {name, "AES_256", {}, {}, options})),
            outcome(engine_->generate_data_key_without_plaintext(here_, {name, "AES_256", {}, {}, options}))};
  }
  static std::vector<std::string> all(const std::string& what) { return {what, what, what, what, what}; }

  Bytes blob_;
};

TEST_F(CallOptionsTest, DryRunComesAfterEverythingElse) {
  const CallOptions dry{.dry_run = true};
  EXPECT_EQ(outcomes(dry), all("kms-dry-run"));
  EXPECT_EQ(said(engine_->encrypt(here_, {arn_, as_bytes("x"), {}, {}, dry})),
            "The request would have succeeded, but the DryRun option is set.");
  EXPECT_EQ(outcomes(dry, "nonsense"), all("kms-not-found"));
  EXPECT_EQ(outcome(engine_->decrypt(here_, {blob_, arn_, {{"k", "v"}}, {}, dry})), "kms-invalid-ciphertext");
  ASSERT_TRUE(engine_->disable_key(here_, arn_));
  EXPECT_EQ(outcomes(dry), all("kms-disabled"));
}

TEST_F(CallOptionsTest, NoGrantTokenIsKnown) {
  EXPECT_EQ(outcomes({.grant_tokens = {"token"}}), all("kms-invalid-grant-token"));
  EXPECT_EQ(outcomes({.grant_tokens = std::vector<std::string>(11, "token")}), all("kms-validation"));
  EXPECT_EQ(outcomes({.grant_tokens = {""}}), all("kms-validation"));
  EXPECT_EQ(outcomes({.grant_tokens = {std::string(8193, 't')}}), all("kms-validation"));
  const CallOptions secret{.grant_tokens = std::vector<std::string>(11, "secret")};
  EXPECT_EQ(
      said(engine_->encrypt(here_, {arn_, as_bytes("x"), {}, {}, secret})),
      "1 validation error detected: Value at 'grantTokens' failed to satisfy constraint: Member must have "
      "length less than or equal to 10");
  EXPECT_EQ(outcome(engine_->describe_key(here_, arn_, {"token"})), "kms-invalid-grant-token");
  EXPECT_EQ(outcome(engine_->describe_key(here_, arn_, std::vector<std::string>(11, "t"))), "kms-validation");
  ASSERT_TRUE(engine_->disable_key(here_, arn_));
  EXPECT_EQ(outcomes({.grant_tokens = {"token"}}), all("kms-invalid-grant-token")) << "before the state";
}

TEST_F(CallOptionsTest, AnAlgorithmMustFitTheKey) {
  for (const auto& [algorithm, expected] : {std::pair{"SYMMETRIC_DEFAULT", "ok"},
                                            {"RSAES_OAEP_SHA_1", "kms-invalid-key-usage"},
                                            {"RSAES_OAEP_SHA_256", "kms-invalid-key-usage"},
                                            {"SM2PKE", "kms-invalid-key-usage"},
                                            {"AES", "kms-validation"}}) {
    EXPECT_EQ(outcome(engine_->encrypt(here_, {arn_, as_bytes("x"), {}, algorithm})), expected) << algorithm;
    EXPECT_EQ(outcome(engine_->decrypt(here_, {blob_, {}, {}, algorithm})), expected) << algorithm;
    EXPECT_EQ(outcome(engine_->re_encrypt(here_, {blob_, {}, {}, arn_, {}, algorithm, {}})), expected);
    EXPECT_EQ(outcome(engine_->re_encrypt(here_, {blob_, {}, {}, arn_, {}, {}, algorithm})), expected);
  }
  EXPECT_EQ(said(engine_->encrypt(here_, {arn_, as_bytes("x"), {}, "RSAES_OAEP_SHA_1"})),
            "Algorithm RSAES_OAEP_SHA_1 is incompatible with key spec SYMMETRIC_DEFAULT.");
}

TEST_F(CallOptionsTest, ABatchReEncryptsIntoAnotherRegion) {
  const std::string there = engine_->create_key(CallScope{"eu-west-1", here_.account}, {})->arn;
  const EncryptionContext old_context{};
  const EncryptionContext new_context{{"new", "context"}};
  const Bytes garbage(200, 1);
  const std::vector<BatchReEncryptEntry> batch{{blob_, old_context, new_context},
                                               {garbage, old_context, new_context},
                                               {blob_, new_context, new_context}};
  const CallScope destination{"eu-west-1", here_.account};
  auto answers = engine_->re_encrypt_batch(destination, arn_, there, batch);
  ASSERT_TRUE(answers) << describe(answers.error());
  ASSERT_EQ(answers->size(), 3U);
  EXPECT_EQ((*answers)[0]->source_key_arn, arn_);
  EXPECT_EQ((*answers)[0]->key_arn, there);
  EXPECT_EQ(outcome((*answers)[1]), "kms-invalid-ciphertext");
  EXPECT_EQ(outcome((*answers)[2]), "kms-invalid-ciphertext");
  auto opened = engine_->decrypt(destination, {(*answers)[0]->ciphertext, there, new_context});
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_string(opened->plaintext.expose()), "x");
  EXPECT_EQ(opened->material_id, (*answers)[0]->destination_material_id);

  EXPECT_EQ(outcome(engine_->re_encrypt_batch(destination, arn_, there, {})), "kms-validation");
  EXPECT_EQ(outcome(engine_->re_encrypt_batch(destination, there, arn_, batch)), "kms-not-found");
  EXPECT_EQ(outcome(engine_->re_encrypt_batch(CallScope{"eu-west-1", "111111111111"}, arn_, arn_, batch)),
            "kms-not-found");
  EXPECT_EQ(outcome(engine_->re_encrypt_batch(CallScope{"local", "111111111111"}, arn_, arn_, batch)),
            "kms-access-denied");
  ASSERT_TRUE(engine_->disable_key(here_, arn_));
  EXPECT_EQ(outcome(engine_->re_encrypt_batch(destination, arn_, there, batch)), "kms-disabled");
}

}  // namespace
}  // namespace enfold
