#include "fs/volume/rewrap.h"

#include <gtest/gtest.h>

#include "kms/crypto/hkdf.h"
#include "tests/volume/fake_kms.h"

namespace enfold {
namespace {

// By a service that goes from key to key by itself, or by one that does not.
class RewrapManyTest : public ::testing::TestWithParam<bool> {
 protected:
  // The first half of them under the one key, the others under the other.
  static constexpr std::size_t kCount = 10;

  RewrapManyTest() {
    for (std::size_t i = 0; i < kCount; ++i) {
      keys_.push_back(sha256({as_bytes(std::to_string(i))}));
      contexts_.push_back({{"file", std::to_string(i)}});
      const std::string arn = i < kCount / 2 ? kFakeKeyArn : kFakeOtherArn;
      from_.push_back({Provider::kAwsKms, arn, *kms_.encrypt(arn, keys_[i], contexts_[i]), ""});
      rights_.emplace_back([key = keys_[i]](auto bytes) { return equal_in_constant_time(bytes, key); });
    }
    kms_.rotate(kFakeKeyArn);
    if (GetParam()) kms_.let_re_encrypt();
  }

  std::vector<Rewrapped> run() {
    std::vector<RewrapItem> items;
    for (std::size_t i = 0; i < kCount; ++i) items.push_back({contexts_[i], from_[i], rights_[i]});
    return rewrap_many(kms_, items, kFakeKeyArn);
  }

  // "" where the answer opens to the right key, else what is wrong; an error of the wanted key with a "!".
  std::string outcome(const Rewrapped& answer, std::size_t i) {
    if (!answer)
      return std::string(name_of(answer.error().error.code)) + (answer.error().is_of_wanted_key ? "!" : "");
    if (answer->material_id != kms_.material(kFakeKeyArn)) return "material " + answer->material_id;
    const auto opens = check_opens(kms_, contexts_[i], *answer, rights_[i]);
    return opens ? "" : describe(opens.error());
  }

  SystemEntropy entropy_;
  FakeKms kms_{entropy_};
  std::vector<Digest> keys_;
  std::vector<EncryptionContext> contexts_;
  std::vector<Recipient> from_;
  std::vector<IsRight> rights_;
};

TEST_P(RewrapManyTest, WrapsEachUnderTheWantedKey) {
  const auto answers = run();
  ASSERT_EQ(answers.size(), kCount);
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_EQ(outcome(answers[i], i), "") << i;
}

TEST_P(RewrapManyTest, LeavesOutOnlyWhatCannotBeUnwrapped) {
  from_[2].ciphertext[0] ^= 1;
  std::swap(rights_[3], rights_[4]);
  const auto answers = run();
  for (std::size_t i = 0; i < kCount; ++i)
    EXPECT_EQ(outcome(answers[i], i), i == 2             ? "kms-invalid-ciphertext"
                                      : i == 3 || i == 4 ? "kms-bad-answer"
                                                         : "")
        << i;
}

TEST_P(RewrapManyTest, LeavesOutWhatAFormerKeyRefuses) {
  kms_.set_state(kFakeOtherArn, "Disabled");
  const auto answers = run();
  for (std::size_t i = 0; i < kCount; ++i)
    EXPECT_EQ(outcome(answers[i], i), i < kCount / 2 ? "" : "kms-disabled") << i;
}

// Fails from each call on: what was answered before is whole, or is not answered at all.
TEST_P(RewrapManyTest, BelievesNoAnswerOfAKmsThatGoesWrong) {
  using Fault = FakeKms::Fault;
  for (const Fault fault : {Fault::kWrongKey, Fault::kConstantKey, Fault::kZeroKey, Fault::kOtherArn,
                            Fault::kUnavailable, Fault::kThrottled, Fault::kDisabled}) {
    for (int calls = 1; calls <= 3 * static_cast<int>(kCount); ++calls) {
      kms_.set_fault_after(fault, calls);
      const auto answers = run();
      kms_.set_fault(Fault::kNone);
      kms_.set_fault_after(Fault::kNone, 0);
      std::size_t failed = 0;
      for (std::size_t i = 0; i < kCount; ++i) {
        const bool answered = answers[i].has_value();
        EXPECT_EQ(answered ? outcome(answers[i], i) : "", "") << i;
        failed += answered ? 0 : 1;
      }
      EXPECT_GT(failed, 0U) << calls;
    }
  }
}

TEST_P(RewrapManyTest, RefusesByNameWhatNoEnvelopeHolds) {
  kms_.set_fault(FakeKms::Fault::kLongBlob);
  const auto answers = run();
  for (std::size_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(outcome(answers[i], i), "kms-bad-answer!") << i;
    EXPECT_NE(answers[i].error().error.message.find("1500 bytes"), std::string::npos);
  }
}

TEST_P(RewrapManyTest, AsksAKmsThatDoesNotAnswerOnceForEachKey) {
  const int before = kms_.decrypt_calls();
  kms_.set_fault(FakeKms::Fault::kUnavailable);
  const auto answers = run();
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_EQ(outcome(answers[i], i), "kms-unavailable");
  EXPECT_EQ(kms_.decrypt_calls() - before, 2);
}

INSTANTIATE_TEST_SUITE_P(Services, RewrapManyTest, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "ReEncrypting" : "Decrypting"; });

class ReEncryptingTest : public RewrapManyTest {
 protected:
  using ReEncrypted = FakeKms::ReEncrypted;

  // The first five answers are distorted; all others must be right.
  void expect_of_first(const std::string& expected, const std::function<void(ReEncrypted&)>& distort) {
    kms_.let_re_encrypt([&](ReEncrypted& answers) {
      if (std::exchange(is_first_, false)) distort(answers);
    });
    const auto answers = run();
    for (std::size_t i = 0; i < kCount; ++i)
      EXPECT_EQ(outcome(answers[i], i), i < kCount / 2 ? expected : "") << i;
    is_first_ = true;
  }
  bool is_first_ = true;
};
INSTANTIATE_TEST_SUITE_P(One, ReEncryptingTest, ::testing::Values(true));

TEST_P(ReEncryptingTest, OpensOnlyWhatIsNew) {
  const int decrypted = kms_.decrypt_calls();
  const int encrypted = kms_.encrypt_calls();
  for (const auto& answer : run()) EXPECT_TRUE(answer);
  EXPECT_EQ(kms_.encrypt_calls() - encrypted, kCount) << "by the service itself";
  EXPECT_EQ(kms_.decrypt_calls() - decrypted, 2 * kCount) << "by the service itself, and to verify";
}

TEST_P(ReEncryptingTest, BelievesNoServiceThatExchangesTheAnswers) {
  expect_of_first("kms-invalid-ciphertext!",
                  [](ReEncrypted& answers) { std::ranges::rotate(answers, answers.begin() + 1); });
  kms_.set_fault(FakeKms::Fault::kIgnoresContext);
  expect_of_first("kms-bad-answer!",
                  [](ReEncrypted& answers) { std::ranges::rotate(answers, answers.begin() + 1); });
}

TEST_P(ReEncryptingTest, BelievesNoServiceThatWrapsSomethingElse) {
  expect_of_first("kms-bad-answer!", [&](ReEncrypted& answers) {
    for (std::size_t i = 0; i < answers.size(); ++i)
      answers[i]->ciphertext = *kms_.encrypt(kFakeKeyArn, Digest{}, contexts_[i]);
  });
}

TEST_P(ReEncryptingTest, BelievesNoServiceThatWrapsUnderAnotherKey) {
  expect_of_first("kms-bad-answer!", [&](ReEncrypted& answers) {
    for (std::size_t i = 0; i < answers.size(); ++i)
      answers[i]->ciphertext = *kms_.encrypt(kFakeOtherArn, keys_[i], contexts_[i]);
  });
}

TEST_P(ReEncryptingTest, TakesTheOtherWayForWhatTheServiceRefusesOrLeavesEmpty) {
  expect_of_first("", [](ReEncrypted& answers) {
    answers[0] = make_error(Errc::kKmsAccessDenied, "no ReEncrypt for you");
    answers[1] = make_error(Errc::kKmsUnsupported, "");
    answers[2] = make_error(Errc::kKmsBadAnswer, "");
    answers[3]->ciphertext.clear();
  });
}

TEST_P(ReEncryptingTest, AsksNotTwiceWhereTheServiceIsAway) {
  const int encrypted = kms_.encrypt_calls();
  expect_of_first("kms-unavailable", [](ReEncrypted& answers) {
    for (auto& answer : answers) answer = make_error(Errc::kKmsUnavailable, "gone");
  });
  EXPECT_EQ(kms_.encrypt_calls() - encrypted, kCount);
}

}  // namespace
}  // namespace enfold
