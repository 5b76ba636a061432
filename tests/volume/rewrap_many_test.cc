#include "fs/volume/rewrap.h"

#include <gtest/gtest.h>

#include "kms/crypto/hkdf.h"
#include "tests/volume/fake_kms.h"

namespace enfold {
namespace {

class RewrapManyTest : public ::testing::Test {
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

TEST_F(RewrapManyTest, WrapsEachUnderTheWantedKey) {
  const auto answers = run();
  ASSERT_EQ(answers.size(), kCount);
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_EQ(outcome(answers[i], i), "") << i;
}

TEST_F(RewrapManyTest, LeavesOutOnlyWhatCannotBeUnwrapped) {
  from_[2].ciphertext[0] ^= 1;
  std::swap(rights_[3], rights_[4]);
  const auto answers = run();
  for (std::size_t i = 0; i < kCount; ++i)
    EXPECT_EQ(outcome(answers[i], i), i == 2             ? "kms-invalid-ciphertext"
                                      : i == 3 || i == 4 ? "kms-bad-answer"
                                                         : "")
        << i;
}

TEST_F(RewrapManyTest, LeavesOutWhatAFormerKeyRefuses) {
  kms_.set_state(kFakeOtherArn, "Disabled");
  const auto answers = run();
  for (std::size_t i = 0; i < kCount; ++i)
    EXPECT_EQ(outcome(answers[i], i), i < kCount / 2 ? "" : "kms-disabled") << i;
}

// Fails from each call on: what was answered before is whole, or is not answered at all.
TEST_F(RewrapManyTest, BelievesNoAnswerOfAKmsThatGoesWrong) {
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

TEST_F(RewrapManyTest, AsksAKmsThatDoesNotAnswerOnceForEachKey) {
  const int before = kms_.decrypt_calls();
  kms_.set_fault(FakeKms::Fault::kUnavailable);
  const auto answers = run();
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_EQ(outcome(answers[i], i), "kms-unavailable");
  EXPECT_EQ(kms_.decrypt_calls() - before, 2);
}

}  // namespace
}  // namespace enfold
