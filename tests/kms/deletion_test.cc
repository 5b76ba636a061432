#include <filesystem>
#include <fstream>

#include "tests/kms/engine_fixture.h"

namespace enfold {
namespace {

class DeletionTest : public EngineFixture {
 protected:
  Bytes row(const std::string& arn) {
    std::string hex = arn.substr(arn.rfind('/') + 1);
    std::erase(hex, '-');
    return raw_blob(dir_, "SELECT sealed FROM record WHERE id=x'" + hex + "'");
  }
  // Whether any stretch of the row is in any file of the store.
  bool files_hold(const Bytes& sealed) {
    constexpr std::size_t kStretch = 32;
    for (const auto& file : std::filesystem::directory_iterator(dir_)) {
      std::ifstream in(file.path(), std::ios::binary);
      const std::string content((std::istreambuf_iterator<char>(in)), {});
      for (std::size_t at = 0; at + kStretch <= sealed.size(); ++at)
        if (content.find(as_string(ByteSpan(sealed).subspan(at, kStretch))) != std::string::npos) return true;
    }
    return false;
  }
  const std::int64_t start_ = clock_.now_ms;
};

TEST_F(DeletionTest, IsAnnouncedAndCanBeCancelled) {
  auto scheduled = engine_->schedule_key_deletion(here_, id(), 7).value();
  EXPECT_EQ(scheduled.key_arn, arn_);
  EXPECT_EQ(scheduled.window_days, 7);
  EXPECT_EQ(scheduled.deletion_unix_ms, start_ + 7 * kDayMs);
  EXPECT_EQ(name_of(scheduled.state), "PendingDeletion");
  engine_ = open();
  const KeyMetadata key = engine_->describe_key(here_, arn_).value();
  EXPECT_EQ(key.state, KeyState::kPendingDeletion);
  EXPECT_EQ(key.deletion_unix_ms, start_ + 7 * kDayMs);
  pass_days(6);
  EXPECT_EQ(engine_->cancel_key_deletion(here_, arn_).value(), arn_);
  EXPECT_EQ(engine_->describe_key(here_, arn_)->state, KeyState::kDisabled);
  EXPECT_FALSE(engine_->describe_key(here_, arn_)->deletion_unix_ms);
  pass_days(30);
  EXPECT_EQ(engine_->run_due().value(), std::nullopt);
  EXPECT_TRUE(engine_->enable_key(here_, arn_));
}

TEST_F(DeletionTest, TakesWindowsOf7To30Days) {
  for (std::int64_t days : {6, 31, 0, -1})
    EXPECT_EQ(outcome(engine_->schedule_key_deletion(here_, arn_, days)), "kms-validation") << days;
  EXPECT_EQ(engine_->schedule_key_deletion(here_, arn_, {})->window_days, 30);
}

TEST_F(DeletionTest, TakesTheKeyAndItsAliasesOnTime) {
  const std::string other = make_key(*engine_);
  ASSERT_TRUE(engine_->create_alias(here_, "alias/a", arn_));
  ASSERT_TRUE(engine_->create_alias(here_, "alias/b", arn_));
  ASSERT_TRUE(engine_->create_alias(here_, "alias/c", other));
  const Bytes blob = engine_->encrypt(here_, {arn_, as_bytes("x"), {}})->ciphertext;
  ASSERT_TRUE(engine_->schedule_key_deletion(here_, arn_, 7));
  clock_.now_ms = start_ + 7 * kDayMs - 1;
  EXPECT_EQ(engine_->run_due().value(), start_ + 7 * kDayMs);
  EXPECT_TRUE(engine_->describe_key(here_, arn_));
  clock_.now_ms = start_ + 7 * kDayMs;
  EXPECT_EQ(said(engine_->describe_key(here_, arn_)), "Key '" + arn_ + "' does not exist");
  EXPECT_EQ(outcome(engine_->describe_key(here_, "alias/a")), "kms-not-found");
  EXPECT_EQ(outcome(engine_->cancel_key_deletion(here_, arn_)), "kms-not-found");
  EXPECT_EQ(outcome(engine_->decrypt(here_, {blob, {}, {}})), "kms-access-denied");
  EXPECT_EQ(engine_->list_keys(here_, {})->keys.size(), 1U);
  EXPECT_TRUE(engine_->create_alias(here_, "alias/b", other)) << "the name is free";
  EXPECT_EQ(engine_->list_aliases(here_, other, {})->aliases.size(), 2U);
}

TEST_F(DeletionTest, HappensWithoutACallAndAcrossReopening) {
  ASSERT_TRUE(engine_->schedule_key_deletion(here_, arn_, 7));
  engine_.reset();
  pass_days(400);
  engine_ = open();
  auto second = open();
  EXPECT_EQ(engine_->run_due().value(), std::nullopt);
  EXPECT_EQ(second->run_due().value(), std::nullopt);
  EXPECT_TRUE(second->list_keys(here_, {})->keys.empty());
}

TEST_F(DeletionTest, BreaksNoPagination) {
  std::vector<std::string> arns{arn_};
  for (int i = 0; i < 5; ++i) arns.push_back(make_key(*engine_));
  std::ranges::sort(arns);
  auto first = engine_->list_keys(here_, {.limit = 3}).value();
  ASSERT_TRUE(first.truncated);
  for (std::size_t i : {1U, 2U, 3U}) ASSERT_TRUE(engine_->schedule_key_deletion(here_, arns[i], 7));
  pass_days(7);
  auto second = engine_->list_keys(here_, {.limit = {}, .marker = first.next_marker}).value();
  ASSERT_EQ(second.keys.size(), 2U);
  EXPECT_EQ(second.keys[0].key_arn, arns[4]);
}

TEST_F(DeletionTest, LeavesNothingOfTheRowInTheFiles) {
  std::vector<std::string> others;
  for (int i = 0; i < 40; ++i) others.push_back(make_key(*engine_));
  ASSERT_TRUE(engine_->update_key_description(here_, arn_, std::string(5000, 'd')));
  std::vector<Bytes> rows{row(arn_)};
  ASSERT_TRUE(engine_->rotate_key_on_demand(here_, arn_));
  rows.push_back(row(arn_));
  ASSERT_TRUE(engine_->update_key_description(here_, arn_, ""));
  rows.push_back(row(arn_));
  for (const std::string& other : others) ASSERT_TRUE(engine_->disable_key(here_, other));
  ASSERT_TRUE(engine_->schedule_key_deletion(here_, arn_, 7));
  rows.push_back(row(arn_));
  EXPECT_TRUE(files_hold(rows.back())) << "the search finds what is there";
  auto reader = open();  // another process, that looked before
  ASSERT_TRUE(reader->describe_key(here_, arn_));
  pass_days(7);
  ASSERT_TRUE(engine_->describe_key(here_, others[0]));
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_FALSE(files_hold(rows[i])) << "version " << i;
  EXPECT_TRUE(files_hold(row(others[0])));
  EXPECT_EQ(outcome(reader->describe_key(here_, arn_)), "kms-not-found");
  EXPECT_TRUE(open()->describe_key(here_, others[0]));
}

// The daemon's timer is who finishes it.
TEST_F(DeletionTest, IsFinishedWhereSomebodyReadTheStoreDuringIt) {
  const Bytes sealed = row(arn_);
  ASSERT_TRUE(engine_->schedule_key_deletion(here_, arn_, 7));
  pass_days(7);
  {
    auto reader = Database::open(dir_ + "/kms.db").value();
    ASSERT_TRUE(reader.execute("BEGIN"));
    auto reading = reader.prepare("SELECT sealed FROM record").value();
    ASSERT_TRUE(reading.step().value());
    EXPECT_EQ(engine_->run_due().value(), clock_.now_ms + 1000) << "it is to be tried again";
    EXPECT_TRUE(files_hold(sealed));
  }
  EXPECT_EQ(engine_->run_due().value(), std::nullopt);
  EXPECT_FALSE(files_hold(sealed));
}

TEST_F(DeletionTest, LooksAgainBeforeItDeletes) {
  ASSERT_TRUE(engine_->schedule_key_deletion(here_, arn_, 7));
  InterruptedClock clock;
  clock.now_ms = start_ + 7 * kDayMs;
  FixedPassphrase unused;
  Engine late(open_store(dir_, unused, entropy_).value(), entropy_, clock);
  clock.interruption = [&] {
    EXPECT_TRUE(engine_->cancel_key_deletion(here_, arn_));
    EXPECT_TRUE(engine_->schedule_key_deletion(here_, arn_, 30));
  };
  EXPECT_EQ(late.run_due().value(), start_ + 30 * kDayMs);
  EXPECT_FALSE(clock.interruption);
  EXPECT_EQ(engine_->describe_key(here_, arn_)->state, KeyState::kPendingDeletion);
}

}  // namespace
}  // namespace enfold
