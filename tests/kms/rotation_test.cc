#include "tests/kms/engine_fixture.h"

namespace enfold {
namespace {

class RotationTest : public EngineFixture {
 protected:
  RotationStatus status() { return engine_->get_key_rotation_status(here_, arn_).value(); }
  std::size_t materials() { return engine_->describe_key(here_, arn_)->all_material_ids.size(); }
  std::vector<RotationEntry> rotations(bool all = false) {
    return engine_
        ->list_key_rotations(
            here_, {.key_id = arn_, .include_key_material = all ? "ALL_KEY_MATERIAL" : "ROTATIONS_ONLY"})
        ->rotations;
  }
  const std::int64_t start_ = clock_.now_ms;
};

TEST_F(RotationTest, IsOffUntilItIsEnabled) {
  EXPECT_FALSE(status().enabled);
  EXPECT_EQ(status().key_arn, arn_);
  EXPECT_FALSE(status().next_unix_ms);
  ASSERT_TRUE(engine_->enable_key_rotation(here_, arn_, {}));
  EXPECT_TRUE(status().enabled);
  EXPECT_EQ(status().period_days, 365);
  EXPECT_EQ(status().next_unix_ms, start_ + 365 * kDayMs);
  ASSERT_TRUE(engine_->enable_key_rotation(here_, arn_, 90));
  engine_ = open();
  EXPECT_EQ(status().period_days, 90);
  EXPECT_EQ(status().next_unix_ms, start_ + 90 * kDayMs);
  ASSERT_TRUE(engine_->disable_key_rotation(here_, arn_));
  pass_days(400);
  EXPECT_FALSE(status().enabled);
  EXPECT_EQ(materials(), 1U);
}

TEST_F(RotationTest, TakesPeriodsOf90To2560Days) {
  for (std::int64_t days : {89, 2561, 0, -1})
    EXPECT_EQ(outcome(engine_->enable_key_rotation(here_, arn_, days)), "kms-validation") << days;
  EXPECT_EQ(said(engine_->enable_key_rotation(here_, arn_, 89)),
            "1 validation error detected: Value '89' at 'rotationPeriodInDays' failed to satisfy constraint: "
            "Member must have value greater than or equal to 90");
  EXPECT_TRUE(engine_->enable_key_rotation(here_, arn_, 90));
  EXPECT_TRUE(engine_->enable_key_rotation(here_, arn_, 2560));
}

TEST_F(RotationTest, HappensOnTimeAtTheNextCall) {
  ASSERT_TRUE(engine_->enable_key_rotation(here_, arn_, 90));
  const Bytes old = engine_->encrypt(here_, {arn_, as_bytes("old"), {}})->ciphertext;
  clock_.now_ms = start_ + 90 * kDayMs - 1;
  EXPECT_EQ(materials(), 1U);
  clock_.now_ms = start_ + 90 * kDayMs;
  const Bytes young = engine_->encrypt(here_, {arn_, as_bytes("young"), {}})->ciphertext;
  EXPECT_NE(read_blob_header(young)->material_id, read_blob_header(old)->material_id);
  EXPECT_EQ(as_string(engine_->decrypt(here_, {old, {}, {}})->plaintext.expose()), "old");
  EXPECT_EQ(status().next_unix_ms, start_ + 180 * kDayMs);
  EXPECT_EQ(materials(), 2U);
}

TEST_F(RotationTest, HappensOnTimeWithoutACall) {
  EXPECT_EQ(engine_->run_due().value(), std::nullopt);
  ASSERT_TRUE(engine_->enable_key_rotation(here_, arn_, 90));
  EXPECT_EQ(engine_->run_due().value(), start_ + 90 * kDayMs);
  engine_ = open();
  clock_.now_ms = start_ + 91 * kDayMs;
  EXPECT_EQ(engine_->run_due().value(), start_ + 180 * kDayMs) << "a late one moves no later one";
  auto done = rotations();
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done[0].rotation_unix_ms, start_ + 91 * kDayMs);
  EXPECT_FALSE(done[0].on_demand);
}

TEST_F(RotationTest, HappensOnceAfterALongAbsence) {
  ASSERT_TRUE(engine_->enable_key_rotation(here_, arn_, 90));
  pass_days(1000);
  engine_ = open();
  EXPECT_EQ(engine_->run_due().value(), clock_.now_ms + 90 * kDayMs);
  EXPECT_EQ(materials(), 2U);
}

TEST_F(RotationTest, HappensOnceForSeveralProcesses) {
  auto other = open();
  ASSERT_TRUE(engine_->enable_key_rotation(here_, arn_, 90));
  EXPECT_TRUE(other->run_due());
  pass_days(90);
  EXPECT_EQ(other->run_due().value(), start_ + 180 * kDayMs);
  EXPECT_EQ(engine_->run_due().value(), start_ + 180 * kDayMs);
  EXPECT_EQ(materials(), 2U);
  EXPECT_EQ(engine_->describe_key(here_, arn_)->current_material_id,
            other->describe_key(here_, arn_)->current_material_id);
}

TEST_F(RotationTest, WaitsForADisabledKeyAndMakesUpForIt) {
  ASSERT_TRUE(engine_->enable_key_rotation(here_, arn_, 90));
  ASSERT_TRUE(engine_->disable_key(here_, arn_));
  EXPECT_EQ(engine_->run_due().value(), std::nullopt);
  pass_days(100);
  EXPECT_TRUE(status().enabled);
  EXPECT_EQ(materials(), 1U);
  EXPECT_EQ(outcome(engine_->enable_key_rotation(here_, arn_, 90)), "kms-disabled");
  EXPECT_EQ(outcome(engine_->disable_key_rotation(here_, arn_)), "kms-disabled");
  ASSERT_TRUE(engine_->enable_key(here_, arn_));
  EXPECT_EQ(materials(), 2U) << "at once";
  EXPECT_EQ(status().next_unix_ms, start_ + 190 * kDayMs) << "and a period from then on";
  ASSERT_TRUE(engine_->disable_key(here_, arn_));
  pass_days(10);
  ASSERT_TRUE(engine_->enable_key(here_, arn_));
  EXPECT_EQ(status().next_unix_ms, start_ + 190 * kDayMs) << "nothing was missed, so nothing moves";
  EXPECT_EQ(materials(), 2U);
}

TEST_F(RotationTest, StandsStillWhilePendingDeletion) {
  ASSERT_TRUE(engine_->enable_key_rotation(here_, arn_, 90));
  pass_days(80);
  ASSERT_TRUE(engine_->schedule_key_deletion(here_, arn_, 30));
  EXPECT_FALSE(status().enabled);
  pass_days(20);
  ASSERT_TRUE(engine_->cancel_key_deletion(here_, arn_));
  EXPECT_TRUE(status().enabled);
  EXPECT_EQ(status().next_unix_ms, start_ + 90 * kDayMs);
  EXPECT_EQ(materials(), 1U) << "it is disabled";
  ASSERT_TRUE(engine_->enable_key(here_, arn_));
  EXPECT_EQ(materials(), 2U);
}

TEST_F(RotationTest, OnDemandLeavesTheScheduleAloneAndCountsItselfOnly) {
  ASSERT_TRUE(engine_->enable_key_rotation(here_, arn_, 90));
  for (int i = 0; i < 30; ++i) {
    pass_days(90);
    ASSERT_TRUE(engine_->run_due());
  }
  const auto next = status().next_unix_ms;
  pass_days(1);
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(engine_->rotate_key_on_demand(here_, arn_)) << i;
  EXPECT_EQ(outcome(engine_->rotate_key_on_demand(here_, arn_)), "kms-limit-exceeded");
  EXPECT_EQ(status().next_unix_ms, next);
  EXPECT_EQ(materials(), 56U);
}

TEST_F(RotationTest, IsListed) {
  ASSERT_TRUE(engine_->rotate_key_on_demand(here_, arn_));
  ASSERT_TRUE(engine_->enable_key_rotation(here_, arn_, 90));
  pass_days(90);
  ASSERT_TRUE(engine_->run_due());
  const KeyMetadata key = engine_->describe_key(here_, arn_).value();
  auto all = rotations(true);
  ASSERT_EQ(all.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(all[i].material_id, key.all_material_ids[i]);
  EXPECT_FALSE(all[0].rotation_unix_ms);
  EXPECT_EQ(all[1].rotation_unix_ms, start_);
  EXPECT_TRUE(all[1].on_demand);
  EXPECT_EQ(all[2].rotation_unix_ms, clock_.now_ms);
  EXPECT_FALSE(all[2].on_demand);
  EXPECT_TRUE(all[2].is_current);
  EXPECT_FALSE(all[1].is_current);
  EXPECT_EQ(rotations().size(), 2U);

  auto first = engine_->list_key_rotations(here_, {.key_id = id(), .page = {.limit = 1}}).value();
  ASSERT_TRUE(first.truncated);
  ASSERT_TRUE(engine_->rotate_key_on_demand(here_, arn_));
  auto rest = engine_->list_key_rotations(
      here_, {.key_id = arn_, .page = {.limit = {}, .marker = first.next_marker}});
  ASSERT_EQ(rest->rotations.size(), 2U);
  EXPECT_EQ(rest->rotations[0].material_id, all[2].material_id);
  EXPECT_FALSE(rest->rotations[0].is_current);
  EXPECT_FALSE(rest->truncated);
  EXPECT_EQ(
      outcome(engine_->list_key_rotations(here_, {.key_id = arn_, .page = {.limit = {}, .marker = "x"}})),
      "kms-invalid-marker");
  const auto refused = engine_->list_key_rotations(
      here_, {.key_id = "", .include_key_material = "SOME", .page = {.limit = 0}});
  ASSERT_EQ(outcome(refused), "kms-validation");
  EXPECT_TRUE(refused.error().message.starts_with("3 validation errors detected")) << refused.error().message;
  EXPECT_EQ(outcome(engine_->list_key_rotations(here_, {.key_id = arn_, .page = {.limit = 1001}})),
            "kms-validation");
}

}  // namespace
}  // namespace enfold
