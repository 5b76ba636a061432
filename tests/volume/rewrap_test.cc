// One wrapped key wrapped anew; when a file counts as re-keyed; which service a key is asked of.
#include "fs/volume/rewrap.h"

#include "fs/volume/rekey_target.h"
#include "tests/volume/rekey_support.h"

namespace enfold {
namespace {

using Fault = FakeKms::Fault;

// A key of 32 known bytes, wrapped under kFakeKeyArn; the calls of one rewrap() are decrypt, encrypt,
// decrypt.
class Rewrap : public testing::Test {
 protected:
  Rewrap() { from_ = wrap(kFakeKeyArn, plain_, context_); }

  Recipient wrap(const std::string& key, const std::array<std::uint8_t, 32>& plain,
                 const EncryptionContext& context) {
    return {Provider::kAwsKms, key, kms_.encrypt(key, plain, context).value(), kms_.material(key)};
  }
  std::expected<Recipient, RewrapFailure> run(KmsClient& kms) {
    return rewrap(kms, context_, from_, kFakeOtherArn,
                  [&](std::span<const std::uint8_t, 32> bytes) { return std::ranges::equal(bytes, plain_); });
  }
  void expect_refused(KmsClient& kms, Errc code, bool is_of_wanted_key, const std::string& what) {
    const auto answer = run(kms);
    ASSERT_FALSE(answer) << what;
    EXPECT_EQ(answer.error().error.code, code) << what << ": " << describe(answer.error().error);
    EXPECT_EQ(answer.error().is_of_wanted_key, is_of_wanted_key) << what;
  }

  format_test::SeededEntropy entropy_{format_test::test_seed()};
  FakeKms kms_{entropy_};
  const std::array<std::uint8_t, 32> plain_ = format_test::counting<32>(7);
  const EncryptionContext context_{{"purpose", "test"}};
  Recipient from_;
};

TEST_F(Rewrap, GivesAnEnvelopeThatOpensToTheSame) {
  kms_.rotate(kFakeOtherArn);
  const auto answer = run(kms_);
  ASSERT_TRUE(answer) << describe(answer.error().error);
  EXPECT_EQ(answer->key_arn, kFakeOtherArn);
  EXPECT_EQ(answer->material_id, "material-2");
  EXPECT_NE(answer->ciphertext, from_.ciphertext);
  std::array<std::uint8_t, 32> opened{};
  ASSERT_TRUE(is_ok(kms_.decrypt(kFakeOtherArn, answer->ciphertext, context_, opened)));
  EXPECT_EQ(opened, plain_);
}

TEST_F(Rewrap, BlamesTheSourceForWhatItsKmsDoes) {
  const std::pair<Fault, Errc> faults[] = {
      {Fault::kWrongKey, Errc::kKmsBadAnswer}, {Fault::kConstantKey, Errc::kKmsBadAnswer},
      {Fault::kZeroKey, Errc::kKmsBadAnswer},  {Fault::kOtherArn, Errc::kKmsBadAnswer},
      {Fault::kReplay, Errc::kKmsBadAnswer},   {Fault::kUnavailable, Errc::kKmsUnavailable},
      {Fault::kDisabled, Errc::kKmsDisabled},  {Fault::kDenied, Errc::kKmsAccessDenied},
      {Fault::kThrottled, Errc::kKmsThrottled}};
  for (const auto& [fault, code] : faults) {
    std::array<std::uint8_t, 32> another{};
    const Recipient of_another = wrap(kFakeKeyArn, format_test::counting<32>(90), context_);
    ASSERT_TRUE(is_ok(kms_.decrypt(kFakeKeyArn, of_another.ciphertext, context_, another)));
    const int encrypted = kms_.encrypt_calls();
    kms_.set_fault(fault);
    expect_refused(kms_, code, false, std::to_string(static_cast<int>(fault)));
    EXPECT_EQ(kms_.encrypt_calls(), encrypted) << "nothing is wrapped that is not the right key";
    kms_.set_fault(Fault::kNone);
  }
  kms_.set_state(kFakeKeyArn, "Disabled");
  expect_refused(kms_, Errc::kKmsDisabled, false, "the former key is disabled");
  kms_.set_state(kFakeKeyArn, "");
  expect_refused(kms_, Errc::kKmsNotFound, false, "the former key is gone");
}

TEST_F(Rewrap, BlamesTheWantedKeyForTheRest) {
  const std::pair<Fault, Errc> refusals[] = {{Fault::kUnavailable, Errc::kKmsUnavailable},
                                             {Fault::kDisabled, Errc::kKmsDisabled},
                                             {Fault::kDenied, Errc::kKmsAccessDenied},
                                             {Fault::kThrottled, Errc::kKmsThrottled}};
  for (const int call : {2, 3})
    for (const auto& [fault, code] : refusals) {
      kms_.set_fault_after(fault, call);
      expect_refused(kms_, code, true, "call " + std::to_string(call));
      kms_.set_fault(Fault::kNone);
    }
  for (const Fault fault : {Fault::kWrongKey, Fault::kConstantKey, Fault::kZeroKey, Fault::kOtherArn}) {
    kms_.set_fault_after(fault, 3);
    expect_refused(kms_, Errc::kKmsBadAnswer, true, std::to_string(static_cast<int>(fault)));
    kms_.set_fault(Fault::kNone);
  }
  const std::pair<const char*, Errc> states[] = {{"Disabled", Errc::kKmsDisabled},
                                                 {"PendingDeletion", Errc::kKmsInvalidState},
                                                 {"", Errc::kKmsNotFound}};
  for (const auto& [state, code] : states) {
    kms_.set_state(kFakeOtherArn, state);
    expect_refused(kms_, code, true, state);
  }
}

TEST_F(Rewrap, TakesNoAnswerThatOpensToSomethingElse) {
  WatchedKms lying(kms_);
  const auto expect_refused_lie = [&](auto lie, Errc code, const std::string& what) {
    lying.encrypts = lie;
    expect_refused(lying, code, true, what);
  };
  using Key = const std::string&;
  using Context = const EncryptionContext&;
  expect_refused_lie(
      [&](Key, ByteSpan plain, Context context) { return kms_.encrypt(kFakeKeyArn, plain, context); },
      Errc::kKmsBadAnswer, "wrapped under another key");
  expect_refused_lie(
      [&](Key key, ByteSpan, Context context) {
        return kms_.encrypt(key, format_test::counting<32>(90), context);
      },
      Errc::kKmsBadAnswer, "another key is wrapped");
  expect_refused_lie([&](Key, ByteSpan, Context) -> Result<Bytes> { return from_.ciphertext; },
                     Errc::kKmsBadAnswer, "the old envelope again");
  expect_refused_lie(
      [&](Key key, ByteSpan plain, Context) {
        return kms_.encrypt(key, plain, {{"purpose", "another"}});
      },
      Errc::kKmsInvalidCiphertext, "of another context");
  expect_refused_lie([&](Key, ByteSpan, Context) -> Result<Bytes> { return Bytes(100, 1); },
                     Errc::kKmsInvalidCiphertext, "garbage");
  expect_refused_lie([&](Key, ByteSpan, Context) -> Result<Bytes> { return Bytes(); }, Errc::kKmsBadAnswer,
                     "nothing");
}

TEST_F(Rewrap, ChecksWhetherAnEnvelopeOpens) {
  const IsRight is_right = [&](auto bytes) { return std::ranges::equal(bytes, plain_); };
  EXPECT_TRUE(is_ok(check_opens(kms_, context_, from_, is_right)));
  const Recipient wrong = wrap(kFakeKeyArn, format_test::counting<32>(90), context_);
  EXPECT_EQ(code_of(check_opens(kms_, context_, wrong, is_right)), Errc::kKmsBadAnswer);
  EXPECT_EQ(code_of(check_opens(kms_, {}, from_, is_right)), Errc::kKmsInvalidCiphertext);
  kms_.set_state(kFakeKeyArn, "Disabled");
  EXPECT_EQ(code_of(check_opens(kms_, context_, from_, is_right)), Errc::kKmsDisabled);
}

struct Target : testing::Test {
  static Header header(std::vector<Recipient> recipients, std::uint64_t generation = 1) {
    Header out;
    out.envelope = {generation, std::move(recipients)};
    return out;
  }
  static Recipient under(const std::string& key, const std::string& material) {
    return {Provider::kAwsKms, key, {1, 2, 3}, material};
  }
  RekeyTarget target{"wanted", "new", false};
};

TEST_F(Target, IsMetByTheKeysCurrentMaterialAlone) {
  EXPECT_TRUE(is_rekeyed(header({under("wanted", "new")}), target));
  EXPECT_FALSE(is_rekeyed(header({under("wanted", "old")}), target));
  EXPECT_FALSE(is_rekeyed(header({under("wanted", "")}), target)) << "not known which";
  EXPECT_FALSE(is_rekeyed(header({under("another", "new")}), target));
  EXPECT_FALSE(is_rekeyed(header({}), target));
  EXPECT_FALSE(is_rekeyed(header({under("wanted", "new"), under("another", "new")}), target));
}

TEST_F(Target, IsMetByAnyMaterialWhereTheKmsNamesNone) {
  target.material_id.clear();
  EXPECT_TRUE(is_rekeyed(header({under("wanted", "old")}), target));
  EXPECT_TRUE(is_rekeyed(header({under("wanted", "")}), target));
  EXPECT_FALSE(is_rekeyed(header({under("another", "")}), target));
}

TEST_F(Target, IsNotMetWhileASlotOrAKeyIsLeftOver) {
  Header two = header({under("wanted", "new")}, 2);
  two.has_spare_slot = false;
  EXPECT_FALSE(is_rekeyed(two, target));
  Header between = header({under("wanted", "new")});
  between.former = Envelope{1, {under("wanted", "new")}};
  EXPECT_FALSE(is_rekeyed(between, target));
}

TEST_F(Target, WantsADataKeyNoOlderThanItsEnvelopeForNewDataKeys) {
  target.new_data_keys = true;
  EXPECT_TRUE(is_rekeyed(header({under("wanted", "new")}, 1), target));
  EXPECT_FALSE(is_rekeyed(header({under("wanted", "new")}, 2), target)) << "only wrapped anew";
  Header used_up = header({under("wanted", "new")}, 1);
  used_up.state.key_epoch = 255;
  EXPECT_FALSE(is_rekeyed(used_up, target));
  target.new_data_keys = false;
  EXPECT_TRUE(is_rekeyed(used_up, target));
}

// Each call to the service of its key.
TEST(KmsRoutes, AsksTheServiceOfTheKey) {
  format_test::SeededEntropy entropy{format_test::test_seed()};
  FakeKms behind(entropy);
  WatchedKms main(behind);
  WatchedKms routed(behind);
  std::vector<std::string> asked;
  main.before = [&](const std::string& call, const std::string& key) {
    asked.push_back("main " + call + " " + key);
  };
  routed.before = [&](const std::string& call, const std::string& key) {
    asked.push_back("routed " + call + " " + key);
  };
  const auto service = [](WatchedKms& kms) { return KmsRoutes::Service(std::shared_ptr<void>(), &kms); };
  KmsRoutes routes{service(main)};
  const auto call_all = [&](const std::string& key) {
    asked.clear();
    std::array<std::uint8_t, 32> plain{};
    EXPECT_TRUE(is_ok(routes.generate_data_key(key, {})));
    const auto wrapped = routes.encrypt(key, plain, {});
    EXPECT_TRUE(is_ok(wrapped));
    EXPECT_TRUE(is_ok(routes.decrypt(key, wrapped.value_or(Bytes()), {}, plain)));
    EXPECT_TRUE(is_ok(routes.describe_key(key)));
  };
  const auto expect_asked = [&](const std::string& whom, const std::string& key) {
    std::vector<std::string> expected;
    for (const char* call : {"generate", "encrypt", "decrypt", "describe"})
      expected.push_back(whom + " " + call + " " + key);
    EXPECT_EQ(asked, expected);
  };
  const std::string key = kFakeKeyArn;
  const std::string other = kFakeOtherArn;
  routes.route(other, service(routed));
  call_all(key);
  expect_asked("main", key);
  call_all(other);
  expect_asked("routed", other);
  routes.set_main(service(routed));
  call_all(key);
  expect_asked("routed", key);
  EXPECT_EQ(routes.main().value().get(), &routed);
}

TEST(KmsRoutes, AnswersWhyAServiceIsNotThere) {
  format_test::SeededEntropy entropy{format_test::test_seed()};
  FakeKms behind(entropy);
  KmsRoutes routes{make_error(Errc::kStoreMissing, "main: no store")};
  EXPECT_FALSE(routes.reaches(kFakeKeyArn));
  EXPECT_EQ(code_of(routes.main()), Errc::kStoreMissing);
  EXPECT_EQ(code_of(routes.describe_key(kFakeKeyArn)), Errc::kStoreMissing);
  routes.route(kFakeKeyArn, KmsRoutes::Service(std::shared_ptr<void>(), &behind));
  EXPECT_TRUE(routes.reaches(kFakeKeyArn));
  EXPECT_TRUE(is_ok(routes.describe_key(kFakeKeyArn)));
  routes.set_main(KmsRoutes::Service(std::shared_ptr<void>(), &behind));
  routes.route(kFakeKeyArn, make_error(Errc::kKmsNotFound, "a former key"));
  EXPECT_FALSE(routes.reaches(kFakeKeyArn));
  EXPECT_TRUE(routes.reaches(kFakeOtherArn));
  std::array<std::uint8_t, 32> plain{};
  EXPECT_EQ(code_of(routes.decrypt(kFakeKeyArn, Bytes{1}, {}, plain)), Errc::kKmsNotFound);
}

}  // namespace
}  // namespace enfold
