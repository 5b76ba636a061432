// State records over epochs: what they claim to be durable, and what is synced before a cut.
#include "tests/volume/content_support.h"

namespace enfold {
namespace {

constexpr std::uint64_t kSector = kSectorPlainBytes;

class ContentEpochs : public testing::Test {
 protected:
  void write(std::uint64_t offset, std::uint64_t bytes) {
    ASSERT_TRUE(is_ok(body_->write(offset, Bytes(bytes, 5))));
  }
  void seal() { ASSERT_TRUE(is_ok(body_->seal(0))); }
  void checkpoint() { world_.epochs.set_durable(world_.epochs.end_epoch()); }
  int syncs_of_cut(std::uint64_t length) {
    world_.files.fail_at(0, 0);
    EXPECT_TRUE(is_ok(body_->resize(length)));
    return world_.files.syncs();
  }

  ContentWorld world_;
  std::shared_ptr<FileBody> body_ = world_.create();
};

TEST_F(ContentEpochs, MakeTheLengthOfADurableRecordTheBaseOfTheNext) {
  write(0, 10'000);
  seal();
  EXPECT_EQ(world_.record().base_length, 0U);
  write(10'000, 10);
  EXPECT_EQ(world_.record().base_length, 0U) << "the epoch still runs";
  seal();
  checkpoint();
  write(10'010, 10);
  EXPECT_EQ(world_.record().base_length, 10'010U);
  checkpoint();
  seal();
  EXPECT_EQ(world_.record().base_length, 10'010U) << "of the length before the change";
  checkpoint();
  write(0, 1);
  EXPECT_EQ(world_.record().base_length, 10'020U);
}

TEST_F(ContentEpochs, RaiseNoBaseWhileNothingBecomesDurable) {
  write(0, 10'000);
  seal();
  world_.epochs.end_epoch();
  write(10'000, 10);
  seal();
  EXPECT_EQ(world_.record().base_length, 0U);
}

TEST_F(ContentEpochs, LowerARecordBeforeACutAndSyncIt) {
  write(0, 10 * kSector);
  seal();
  checkpoint();
  body_ = world_.reopen(std::move(body_));
  bool lowered = false;
  world_.files.watch_order([&](const char*, int, const std::string&) {
    lowered = world_.record().sealed_length == 100 && world_.record().base_length == 100 &&
              world_.lower.size() == lower_size_of(10 * kSector);
  });
  EXPECT_EQ(syncs_of_cut(100), 1);
  EXPECT_TRUE(lowered);
  world_.files.watch_order({});
  EXPECT_EQ(syncs_of_cut(50), 1);
}

TEST_F(ContentEpochs, NeedNoSyncForACutInTheEpochThatMadeTheFile) {
  write(0, 10 * kSector);
  EXPECT_EQ(syncs_of_cut(100), 0);
  seal();
  EXPECT_EQ(syncs_of_cut(50), 0);
  EXPECT_EQ(world_.record().sealed_length, 50U);
}

TEST_F(ContentEpochs, NeedNoSyncForACutThatEveryRecordAllows) {
  write(0, 100);
  seal();
  checkpoint();
  write(100, 10 * kSector);
  EXPECT_EQ(syncs_of_cut(200), 0) << "the record says 100";
  EXPECT_EQ(syncs_of_cut(60), 1);
  write(60, kSector);
  EXPECT_EQ(syncs_of_cut(60), 0) << "one with that base was synced";
}

TEST_F(ContentEpochs, SyncBeforeACutWhereAnOlderRecordMayStillBeThere) {
  write(0, 10 * kSector);
  seal();
  checkpoint();
  write(0, 1);  // a dirty record that is not synced
  EXPECT_EQ(syncs_of_cut(5 * kSector), 1);
}

// An fsync in between makes the record durable, too, so that the cut needs none.
TEST_F(ContentEpochs, CountTheSyncsThatTheApplicationMakes) {
  write(0, 10 * kSector);
  seal();
  checkpoint();
  EXPECT_EQ(syncs_of_cut(5 * kSector), 1);
  seal();
  ASSERT_TRUE(is_ok(body_->sync(true)));
  EXPECT_EQ(syncs_of_cut(5 * kSector), 0);
}

TEST_F(ContentEpochs, DoNotCutWhatCouldNotBeSynced) {
  write(0, 10 * kSector);
  seal();
  checkpoint();
  body_ = world_.reopen(std::move(body_));
  world_.files.fail_sync_at(1, EIO);
  EXPECT_FALSE(body_->resize(100));
  EXPECT_EQ(body_->length(), 10 * kSector);
  EXPECT_EQ(world_.lower.size(), lower_size_of(10 * kSector));
  EXPECT_TRUE(world_.epochs.sync_failure());
}

TEST_F(ContentEpochs, GetARecordForEach64MiBOfGrowth) {
  const Bytes mebibyte(std::size_t{1} << 20, 1);
  for (std::uint64_t at = 0; at < 65; ++at) ASSERT_TRUE(is_ok(body_->write(at << 20U, mebibyte)));
  EXPECT_EQ(world_.record().sealed_length, std::uint64_t{64} << 20U);
  EXPECT_FALSE(world_.record().clean);
}

// A hole was made and filled after the base had passed it: that it is filled is not durable, so it stays a
// hole.
TEST_F(ContentEpochs, KeepAHoleEndBelowTheBase) {
  write(0, kSector);
  seal();
  checkpoint();
  ASSERT_TRUE(is_ok(body_->resize(10 * kSector)));
  write(10 * kSector, std::uint64_t{65} << 20U);  // a record of this length
  checkpoint();
  write(kSector, 9 * kSector);
  seal();
  EXPECT_GT(world_.record().base_length, 10 * kSector);
  EXPECT_EQ(world_.record().hole_end, 10U);
}

}  // namespace
}  // namespace enfold
