// Checkpoints: what becomes durable when, and what a failure of a sync stops for good.
#include "fs/volume/checkpoints.h"

#include "tests/volume/content_support.h"
#include "tests/volume/tree_support.h"

namespace enfold {
namespace {

class CheckpointsTest : public testing::Test {
 protected:
  CheckpointsTest() {
    root_ = files_.open_at(AT_FDCWD, directory_.path(), O_RDONLY | O_DIRECTORY, 0).value();
  }

  Checkpoints::Steps steps() {
    return {[this](const CrashEpoch& durable) -> Result<void> {
              ENFOLD_TRY(record_result_);
              recorded_.push_back(durable);
              return {};
            },
            [this] {
              ++told_;
              told_.notify_all();
            },
            [this](const std::atomic<bool>&) { return pass_result_; }};
  }

  TemporaryDirectory directory_;
  FaultyFiles files_;
  Fd root_;
  std::vector<CrashEpoch> recorded_;
  std::atomic<int> told_{0};
  Result<void> record_result_;
  Result<bool> pass_result_ = true;
};

TEST_F(CheckpointsTest, RecordTheEpochThatEndedAfterItWasSynced) {
  Epochs epochs({3, 1}, {3, 0}, false);
  Checkpoints checkpoints(files_, root_.get(), epochs, steps());
  files_.watch_order([&](const char* call, int, const std::string&) {
    EXPECT_STREQ(call, "syncfs");
    EXPECT_EQ(epochs.current(), (CrashEpoch{3, 2})) << "what is changed during the sync belongs to the next";
    EXPECT_TRUE(recorded_.empty());
  });
  ASSERT_TRUE(is_ok(checkpoints.run_once()));
  EXPECT_EQ(recorded_, std::vector<CrashEpoch>(1, {3, 1}));
  EXPECT_EQ(epochs.durable(), (CrashEpoch{3, 1}));
  EXPECT_EQ(told_, 1);
}

TEST_F(CheckpointsTest, NeverGoOnAfterASyncFailed) {
  Epochs epochs({3, 1}, {3, 0}, false);
  Checkpoints checkpoints(files_, root_.get(), epochs, steps());
  files_.fail_sync_at(1, EIO);
  EXPECT_FALSE(checkpoints.run_once());
  files_.heal();
  EXPECT_FALSE(checkpoints.run_once()) << "the kernel has forgotten the page, and would say yes";
  EXPECT_TRUE(recorded_.empty());
  EXPECT_EQ(epochs.durable(), (CrashEpoch{3, 0}));
}

TEST_F(CheckpointsTest, NeverGoOnAfterAnotherSyncFailed) {
  Epochs epochs({3, 1}, {3, 0}, false);
  Checkpoints checkpoints(files_, root_.get(), epochs, steps());
  epochs.sync_failed(Error{Errc::kSystem, EIO, "fsync"});
  EXPECT_FALSE(checkpoints.run_once());
  EXPECT_TRUE(recorded_.empty());
}

TEST_F(CheckpointsTest, AreNotDurableBeforeTheyAreRecorded) {
  Epochs epochs({3, 1}, {3, 0}, false);
  Checkpoints checkpoints(files_, root_.get(), epochs, steps());
  record_result_ = system_error(ENOSPC, "config");
  EXPECT_FALSE(checkpoints.run_once());
  EXPECT_EQ(epochs.durable(), (CrashEpoch{3, 0}));
  EXPECT_TRUE(epochs.sync_failure());
}

TEST_F(CheckpointsTest, LeaveTheDurableEpochOfACrashUntilThePassIsOver) {
  Epochs epochs({3, 1}, {2, 7}, true);
  Checkpoints checkpoints(files_, root_.get(), epochs, steps());
  ASSERT_TRUE(is_ok(checkpoints.run_once()));
  EXPECT_TRUE(recorded_.empty());
  pass_result_ = false;
  EXPECT_FALSE(checkpoints.recover().value_or(true));
  EXPECT_TRUE(recorded_.empty());
  EXPECT_TRUE(epochs.recovering());
  pass_result_ = true;
  EXPECT_TRUE(checkpoints.recover().value_or(false));
  EXPECT_EQ(recorded_, std::vector<CrashEpoch>(1, {3, 1}));
  EXPECT_FALSE(epochs.recovering());
}

TEST_F(CheckpointsTest, KeepACrashOnRecordWhereThePassCannotBeSynced) {
  Epochs epochs({3, 1}, {2, 7}, true);
  Checkpoints checkpoints(files_, root_.get(), epochs, steps());
  files_.fail_sync_at(1, EIO);
  EXPECT_FALSE(checkpoints.recover());
  EXPECT_TRUE(epochs.recovering());
  EXPECT_EQ(epochs.durable(), (CrashEpoch{2, 7}));
}

// The epoch ends only when nobody writes a record or cuts a file in it.
TEST(EpochsTest, EndWhenNobodyHoldsThem) {
  Epochs epochs({1, 1}, {1, 0}, false);
  std::atomic<bool> ended{false};
  auto hold = std::make_optional(epochs.hold());
  std::thread checkpoint([&] {
    epochs.end_epoch();
    ended = true;
  });
  for (int i = 0; i < 100; ++i) std::this_thread::yield();
  EXPECT_FALSE(ended);
  EXPECT_EQ(epochs.current(), (CrashEpoch{1, 1}));
  hold.reset();
  checkpoint.join();
  EXPECT_EQ(epochs.current(), (CrashEpoch{1, 2}));
}

TEST(EpochsTest, TellOnceOfChanges) {
  Epochs epochs({1, 1}, {1, 0}, false);
  int told = 0;
  epochs.on_change([&] { ++told; });
  EXPECT_FALSE(epochs.has_changes());
  epochs.changed();
  epochs.changed();
  EXPECT_EQ(told, 1);
  epochs.end_epoch();
  EXPECT_FALSE(epochs.has_changes());
  epochs.changed();
  EXPECT_EQ(told, 2);
}

// Waits as long as it takes: the interval is a few seconds.
TEST_F(CheckpointsTest, RunByThemselvesAfterAChangeAndNotWithoutOne) {
  Epochs epochs({3, 1}, {3, 0}, false);
  Checkpoints checkpoints(files_, root_.get(), epochs, steps());
  checkpoints.start();
  EXPECT_EQ(files_.syncs(), 0);
  epochs.changed();
  told_.wait(0);
  checkpoints.stop();
  EXPECT_EQ(recorded_, std::vector<CrashEpoch>(1, {3, 1}));
  EXPECT_EQ(files_.syncs(), 1);
  EXPECT_FALSE(epochs.has_changes());
}

TEST_F(CheckpointsTest, RecoverFirstByThemselves) {
  Epochs epochs({3, 1}, {2, 7}, true);
  Checkpoints checkpoints(files_, root_.get(), epochs, steps());
  checkpoints.start();
  told_.wait(0);
  checkpoints.stop();
  EXPECT_FALSE(epochs.recovering());
  EXPECT_EQ(epochs.durable(), (CrashEpoch{3, 1}));
}

}  // namespace
}  // namespace enfold
