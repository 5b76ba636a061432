#include "kms/engine/engine.h"

#include <thread>

#include "kms/store/store.h"
#include "kms/store/store_admin.h"
#include "tests/kms/support.h"

namespace enfold {
namespace {

const EncryptionContext kContext{{"volume", "v"}, {"file", "f"}};

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() {
    make_store(dir_);
    FixedPassphrase unused;
    engine_ = std::make_unique<Engine>(open_store(dir_, unused, entropy_).value(), entropy_, clock_);
    arn_ = make_key(*engine_);
  }

  Bytes encrypt(std::string_view text) {
    auto answer = engine_->encrypt(here_, {arn_, as_bytes(text), kContext});
    EXPECT_TRUE(answer) << describe(answer.error());
    return answer ? answer->ciphertext : Bytes{};
  }
  Result<DecryptAnswer> decrypt(const Bytes& blob, const EncryptionContext& context = kContext) {
    return engine_->decrypt(here_, {blob, arn_, context});
  }

  TempDir temp_;
  std::string dir_ = temp_ / "kms";
  SystemEntropy entropy_;
  ManualClock clock_;
  CallScope here_ = local_scope();
  std::unique_ptr<Engine> engine_;
  std::string arn_;
};

TEST_F(EngineTest, DescribesAKeyAsItWasMade) {
  clock_.now_ms = 1234;
  KeyMetadata made = engine_->create_key(CallScope{"eu-west-1", "123456789012"}, {"for backups"}).value();
  KeyMetadata found = engine_->describe_key(CallScope{"eu-west-1", "123456789012"}, made.key_id).value();
  EXPECT_EQ(found.arn, "arn:aws:kms:eu-west-1:123456789012:key/" + made.key_id);
  EXPECT_EQ(found.description, "for backups");
  EXPECT_EQ(found.creation_unix_ms, 1234);
  EXPECT_EQ(name_of(found.state), "Enabled");
  EXPECT_EQ(found.current_material_id.size(), 64U);
  EXPECT_EQ(made.key_id[14], '4');
}

TEST_F(EngineTest, DecryptsWhatItEncrypted) {
  for (std::size_t size : {1U, 32U, 4096U}) {
    std::string text(size, 'p');
    Bytes blob = encrypt(text);
    EXPECT_LE(blob.size(), 6144U);
    auto answer = decrypt(blob);
    ASSERT_TRUE(answer);
    EXPECT_EQ(as_string(answer->plaintext.expose()), text);
    EXPECT_EQ(answer->key_arn, arn_);
    EXPECT_TRUE(engine_->decrypt(here_, {blob, std::nullopt, kContext})) << "a blob names its key";
  }
}

TEST_F(EngineTest, BindsTheContext) {
  Bytes blob = encrypt("x");
  for (const EncryptionContext& context : {EncryptionContext{}, EncryptionContext{{"volume", "v"}},
                                           EncryptionContext{{"volume", "f"}, {"file", "v"}},
                                           EncryptionContext{{"volume", "v"}, {"file", "f"}, {"a", ""}},
                                           EncryptionContext{{"VOLUME", "v"}, {"file", "f"}}}) {
    auto answer = decrypt(blob, context);
    EXPECT_EQ(outcome(answer), "kms-invalid-ciphertext");
    EXPECT_EQ(answer.error().message, "");
  }
}

TEST_F(EngineTest, RefusesWhatADisabledKeyWouldDo) {
  Bytes blob = encrypt("x");
  ASSERT_TRUE(engine_->disable_key(here_, arn_));
  EXPECT_EQ(name_of(engine_->describe_key(here_, arn_)->state), "Disabled");
  const std::string message = arn_ + " is disabled.";
  EXPECT_EQ(decrypt(blob).error().message, message);
  EXPECT_EQ(outcome(decrypt(blob)), "kms-disabled");
  EXPECT_EQ(outcome(engine_->decrypt(here_, {blob, std::nullopt, kContext})), "kms-disabled");
  EXPECT_EQ(outcome(engine_->encrypt(here_, {arn_, as_bytes("x"), {}})), "kms-disabled");
  EXPECT_EQ(outcome(engine_->generate_data_key(here_, {arn_, "AES_256", {}, {}})), "kms-disabled");
  EXPECT_EQ(outcome(engine_->re_encrypt(here_, {blob, {}, kContext, arn_, {}})), "kms-disabled");
  EXPECT_EQ(outcome(engine_->rotate_key_on_demand(here_, arn_)), "kms-disabled");
  ASSERT_TRUE(engine_->enable_key(here_, arn_));
  EXPECT_TRUE(decrypt(blob));
}

TEST_F(EngineTest, RotatesToNewMaterialAndKeepsTheOld) {
  const std::string first = engine_->describe_key(here_, arn_)->current_material_id;
  Bytes old = encrypt("old");
  EXPECT_EQ(engine_->rotate_key_on_demand(here_, arn_).value(), arn_);
  const KeyMetadata rotated = engine_->describe_key(here_, arn_).value();
  EXPECT_NE(rotated.current_material_id, first);
  EXPECT_EQ(rotated.all_material_ids, (std::vector<std::string>{first, rotated.current_material_id}));
  Bytes young = encrypt("young");
  EXPECT_EQ(to_hex(read_blob_header(old)->material_id), first);
  EXPECT_EQ(to_hex(read_blob_header(young)->material_id), rotated.current_material_id);
  EXPECT_EQ(decrypt(old)->material_id, first);
  EXPECT_EQ(as_string(decrypt(young)->plaintext.expose()), "young");
}

TEST_F(EngineTest, RotatesTwentyFiveTimes) {
  Bytes first = encrypt("first");
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(engine_->rotate_key_on_demand(here_, arn_)) << i;
  auto refused = engine_->rotate_key_on_demand(here_, arn_);
  EXPECT_EQ(outcome(refused), "kms-limit-exceeded");
  EXPECT_EQ(refused.error().message,
            "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations "
            "can be "
            "performed for this key: " +
                arn_);
  EXPECT_TRUE(decrypt(first));
}

TEST_F(EngineTest, RefusesABlobOfAnotherKey) {
  const std::string other = make_key(*engine_);
  Bytes blob = encrypt("x");
  auto answer = engine_->decrypt(here_, {blob, other, kContext});
  EXPECT_EQ(outcome(answer), "kms-incorrect-key");
  EXPECT_EQ(answer.error().message,
            "The key ID in the request does not identify a CMK that can perform this operation.");
}

TEST_F(EngineTest, RefusesABlobOfMaterialThatTheKeyNeverHad) {
  Bytes blob = encrypt("x");
  blob[5 + 16] ^= 1;
  EXPECT_EQ(outcome(decrypt(blob)), "kms-invalid-ciphertext");
}

TEST_F(EngineTest, ReEncryptsToAnotherKeyAndContext) {
  const std::string other = make_key(*engine_);
  Bytes blob = encrypt("x");
  auto answer = engine_->re_encrypt(here_, {blob, arn_, kContext, other, {{"new", "context"}}});
  ASSERT_TRUE(answer) << describe(answer.error());
  EXPECT_EQ(answer->source_key_arn, arn_);
  EXPECT_EQ(answer->key_arn, other);
  auto opened = engine_->decrypt(here_, {answer->ciphertext, other, {{"new", "context"}}});
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_string(opened->plaintext.expose()), "x");
  EXPECT_EQ(outcome(engine_->re_encrypt(here_, {blob, arn_, {}, other, {}})), "kms-invalid-ciphertext");
  EXPECT_EQ(outcome(engine_->re_encrypt(here_, {blob, other, kContext, other, {}})), "kms-incorrect-key");
}

TEST_F(EngineTest, AnswersEachEntryOfABatch) {
  const EncryptionContext other{{"file", "g"}};
  const Bytes first = Bytes(32, 1);
  const Bytes second = Bytes(4096, 2);
  const Bytes large(4097, 3);
  auto wrapped = engine_->encrypt_batch(
      here_, arn_,
      std::array<BatchEncryptEntry, 4>{{{first, kContext}, {large, kContext}, {{}, other}, {second, other}}});
  ASSERT_TRUE(wrapped) << describe(wrapped.error());
  ASSERT_EQ(wrapped->size(), 4U);
  EXPECT_EQ(outcome((*wrapped)[1]), "kms-validation");
  EXPECT_EQ(outcome((*wrapped)[2]), "kms-validation");
  const Bytes one = (*wrapped)[0]->ciphertext;
  const Bytes two = (*wrapped)[3]->ciphertext;
  EXPECT_EQ(to_hex(decrypt(one)->plaintext.expose()), to_hex(first));
  EXPECT_EQ(to_hex(decrypt(two, other)->plaintext.expose()), to_hex(second));

  const KeyMetadata other_key = engine_->create_key(here_, {}).value();
  const Bytes others = engine_->encrypt(here_, {other_key.arn, first, kContext})->ciphertext;
  auto opened = engine_->decrypt_batch(here_, arn_,
                                       std::array<BatchDecryptEntry, 6>{{{one, kContext},
                                                                         {two, kContext},
                                                                         {others, kContext},
                                                                         {{}, kContext},
                                                                         {first, kContext},
                                                                         {two, other}}});
  ASSERT_TRUE(opened) << describe(opened.error());
  ASSERT_EQ(opened->size(), 6U);
  EXPECT_EQ(to_hex((*opened)[0]->plaintext.expose()), to_hex(first));
  EXPECT_EQ((*opened)[0]->key_arn, arn_);
  EXPECT_EQ((*opened)[0]->material_id, engine_->describe_key(here_, arn_)->current_material_id);
  EXPECT_EQ(outcome((*opened)[1]), "kms-invalid-ciphertext") << "another context";
  EXPECT_EQ(outcome((*opened)[2]), "kms-incorrect-key");
  EXPECT_EQ(outcome((*opened)[3]), "kms-validation");
  EXPECT_EQ(outcome((*opened)[4]), "kms-invalid-ciphertext") << "no blob";
  EXPECT_EQ(to_hex((*opened)[5]->plaintext.expose()), to_hex(second));
}

TEST_F(EngineTest, RefusesABatchAsAWhole) {
  const Bytes text(32, 1);
  const Bytes blob = encrypt("x");
  const auto outcomes = [&](const std::string& key, std::size_t entries) {
    return outcome(
               engine_->encrypt_batch(here_, key, std::vector(entries, BatchEncryptEntry{text, kContext}))) +
           " " +
           outcome(
               engine_->decrypt_batch(here_, key, std::vector(entries, BatchDecryptEntry{blob, kContext})));
  };
  EXPECT_EQ(outcomes(arn_, kMaxBatchEntries), "ok ok");
  EXPECT_EQ(outcomes(arn_, kMaxBatchEntries + 1), "kms-validation kms-validation");
  EXPECT_EQ(outcomes(arn_, 0), "kms-validation kms-validation");
  EXPECT_EQ(outcomes("nonsense", 1), "kms-not-found kms-not-found");
  ASSERT_TRUE(open_engine(dir_)->disable_key(here_, arn_)) << "another process does it";
  EXPECT_EQ(outcomes(arn_, 1), "kms-disabled kms-disabled");
}

TEST_F(EngineTest, GeneratesDataKeysOfTheWantedLength) {
  for (const auto& [spec, bytes, size] :
       {std::tuple<std::optional<std::string>, std::optional<std::int64_t>, std::size_t>{"AES_256", {}, 32},
        {"AES_128", {}, 16},
        {{}, 1, 1},
        {{}, 1024, 1024}}) {
    auto answer = engine_->generate_data_key(here_, {arn_, spec, bytes, kContext});
    ASSERT_TRUE(answer) << describe(answer.error());
    EXPECT_EQ(answer->plaintext.size(), size);
    EXPECT_EQ(to_hex(decrypt(answer->ciphertext)->plaintext.expose()), to_hex(answer->plaintext.expose()));
    auto hidden = engine_->generate_data_key_without_plaintext(here_, {arn_, spec, bytes, kContext});
    ASSERT_TRUE(hidden);
    EXPECT_EQ(hidden->plaintext.size(), 0U);
    EXPECT_EQ(decrypt(hidden->ciphertext)->plaintext.size(), size);
  }
  EXPECT_EQ(outcome(engine_->generate_data_key(here_, {arn_, {}, {}, {}})), "kms-validation");
  EXPECT_EQ(outcome(engine_->generate_data_key(here_, {arn_, "AES_256", 32, {}})), "kms-validation");
}

TEST_F(EngineTest, FindsKeysOnlyInTheirRegionAndAccount) {
  const std::string id = arn_.substr(arn_.rfind('/') + 1);
  const CallScope elsewhere{"us-east-1", here_.account};
  EXPECT_TRUE(engine_->describe_key(here_, id));
  EXPECT_EQ(engine_->describe_key(elsewhere, id).error().message,
            "Key 'arn:aws:kms:us-east-1:000000000000:key/" + id + "' does not exist");
  EXPECT_EQ(engine_->describe_key(elsewhere, arn_).error().message, "Invalid arn local");
  EXPECT_EQ(outcome(engine_->describe_key(CallScope{"local", "111111111111"}, id)), "kms-not-found");
  auto foreign = engine_->describe_key(CallScope{"local", "111111111111"}, arn_);
  EXPECT_EQ(outcome(foreign), "kms-access-denied");
  EXPECT_EQ(
      foreign.error().message,
      "User: arn:aws:iam::111111111111:root is not authorized to perform: kms:DescribeKey on this resource "
      "because the resource does not exist in this Region, no resource-based policies allow access, or a "
      "resource-based policy explicitly denies access");
  Bytes blob = encrypt("x");
  EXPECT_EQ(outcome(engine_->decrypt(elsewhere, {blob, std::nullopt, kContext})), "kms-access-denied");
}

TEST_F(EngineTest, RefusesWhatIsNoKeyIdentifier) {
  for (const char* text : {"x", "ALIAS/x", "mrk-1234", "mrk-0123456789abcdef0123456789abcdeg",
                           "arn:aws:s3:::bucket", "arn:aws:kms:local", "arn:aws:kms:local:000000000000:key/x",
                           "00000000-0000-4000-8000-00000000000G"}) {
    auto answer = engine_->describe_key(here_, text);
    EXPECT_EQ(outcome(answer), "kms-not-found") << text;
    EXPECT_TRUE(answer.error().message.starts_with("Invalid keyId '")) << answer.error().message;
  }
  EXPECT_EQ(engine_->describe_key(here_, "00000000-0000-4000-8000-000000000000").error().message,
            "Key 'arn:aws:kms:local:000000000000:key/00000000-0000-4000-8000-000000000000' does not exist");
  EXPECT_EQ(engine_->describe_key(here_, "mrk-0123456789abcdef0123456789abcdef").error().message,
            "Key 'arn:aws:kms:local:000000000000:key/mrk-0123456789abcdef0123456789abcdef' does not exist");
}

TEST_F(EngineTest, PagesThroughKeysWhileSomeAreMade) {
  for (int i = 0; i < 6; ++i) make_key(*engine_);
  engine_->create_key(CallScope{"elsewhere", here_.account}, {}).value();
  std::vector<std::string> seen;
  ListKeysRequest request{.limit = 3, .marker = {}};
  for (bool more = true; more;) {
    ListKeysAnswer page = engine_->list_keys(here_, request).value();
    EXPECT_LE(page.keys.size(), 3U);
    for (const KeyListEntry& entry : page.keys) seen.push_back(entry.key_id);
    more = page.truncated;
    request.marker = page.next_marker;
  }
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_EQ(outcome(engine_->list_keys(here_, {.limit = {}, .marker = "nonsense"})), "kms-invalid-marker");
}

TEST_F(EngineTest, ValidatesBeforeAnythingElseWithAwsTexts) {
  auto random = engine_->generate_random({1025});
  EXPECT_EQ(random.error().message,
            "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: "
            "Member must "
            "have value less than or equal to 1024");
  EXPECT_EQ(engine_->generate_random({{}}).error().message, "NumberOfBytes is required.");
  EXPECT_EQ(engine_->generate_random({32})->size(), 32U);
  Bytes large(4097, 's');
  EXPECT_EQ(engine_->encrypt(here_, {"nokey", large, {}}).error().message,
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must "
            "have length "
            "less than or equal to 4096");
  EXPECT_EQ(engine_->encrypt(here_, {"", {}, {}}).error().message,
            "2 validation errors detected: Value '' at 'keyId' failed to satisfy constraint: Member must "
            "have length "
            "greater than or equal to 1; Value at 'plaintext' failed to satisfy constraint: Member must have "
            "length "
            "greater than or equal to 1");
  EXPECT_EQ(
      engine_->generate_data_key(here_, {arn_, "AES_512", {}, {}}).error().message,
      "1 validation error detected: Value 'AES_512' at 'keySpec' failed to satisfy constraint: Member must "
      "satisfy enum value set: [AES_256, AES_128]");
  EXPECT_EQ(outcome(engine_->decrypt(here_, {Bytes(6145), {}, {}})), "kms-validation");
  EXPECT_EQ(outcome(engine_->decrypt(here_, {Bytes{}, {}, {}})), "kms-validation");
  EXPECT_EQ(outcome(engine_->describe_key(here_, std::string(2049, 'k'))), "kms-validation");
  EXPECT_EQ(outcome(engine_->create_key(here_, {std::string(8193, 'd')})), "kms-validation");
  EXPECT_EQ(outcome(engine_->list_keys(here_, {.limit = 1001, .marker = {}})), "kms-validation");
}

TEST_F(EngineTest, SeesAtTheNextCallWhatAnotherEngineDid) {
  auto other = open_engine(dir_);
  Bytes blob = encrypt("x");
  ASSERT_TRUE(other->disable_key(here_, arn_));
  EXPECT_EQ(outcome(decrypt(blob)), "kms-disabled");
  ASSERT_TRUE(other->enable_key(here_, arn_));
  EXPECT_TRUE(decrypt(blob));
  ASSERT_TRUE(other->rotate_key_on_demand(here_, arn_));
  EXPECT_EQ(to_hex(read_blob_header(encrypt("x"))->material_id),
            other->describe_key(here_, arn_)->current_material_id);
}

TEST_F(EngineTest, IsSharedByThreads) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 100; ++round) {
        auto answer = engine_->generate_data_key(here_, {arn_, "AES_256", {}, kContext});
        ASSERT_TRUE(answer) << describe(answer.error());
        EXPECT_TRUE(decrypt(answer->ciphertext));
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(engine_->rotate_key_on_demand(here_, arn_));
  });
}

}  // namespace
}  // namespace enfold
