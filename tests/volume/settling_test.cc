// A file as a crash may have left it: how long it is then, what is damage, what is written below.
#include "fs/volume/settling.h"

#include "tests/volume/content_support.h"

namespace enfold {
namespace {

constexpr std::uint64_t kSector = kSectorPlainBytes;

// A file of a mount that crashed, and the mount that comes after it.
class Settling : public testing::Test {
 protected:
  // Of the crashed mount: all up to the end of epoch {1, 1} is durable.
  Bytes make_durable_file(std::uint64_t length) {
    body_ = world_.create();
    Bytes plain = random_bytes(world_.entropy, length);
    EXPECT_TRUE(is_ok(body_->write(0, plain)));
    EXPECT_TRUE(is_ok(body_->seal(0)));
    end_epoch();
    return plain;
  }
  void end_epoch() { world_.epochs.set_durable(world_.epochs.end_epoch()); }
  Bytes append(std::uint64_t bytes) {
    Bytes more = random_bytes(world_.entropy, bytes);
    EXPECT_TRUE(is_ok(body_->write(body_->length(), more)));
    return more;
  }

  Result<std::shared_ptr<FileBody>> open_after_crash(bool writable = true) {
    after_.emplace(CrashEpoch{2, 1}, world_.epochs.durable(), true);
    context_.emplace(world_.files, world_.entropy, world_.clock, world_.keys, world_.cache, *after_,
                     !writable);
    return FileBody::open(*context_, world_.lower.descriptor(writable ? O_RDWR : O_RDONLY), writable);
  }
  // What the next mount but one sees, with no crash on record.
  Bytes content_when_closed() {
    Epochs epochs({3, 1}, {3, 0}, false);
    VolumeContext context{world_.files, world_.entropy, world_.clock, world_.keys,
                          world_.cache, epochs,         false};
    auto body = FileBody::open(context, world_.lower.descriptor(), true);
    EXPECT_TRUE(is_ok(body));
    return body ? content_of(**body).value_or(Bytes()) : Bytes();
  }
  void put_page(std::uint64_t index, ByteSpan old) {
    world_.lower.put(sector_offset(index), page_at(old, index + 1));
  }

  ContentWorld world_;
  std::shared_ptr<FileBody> body_;
  std::optional<Epochs> after_;
  std::optional<VolumeContext> context_;
};

TEST_F(Settling, LeavesAWholeFileAlone) {
  const Bytes plain = make_durable_file(10'000);
  const Bytes before = world_.lower.bytes();
  auto opened = open_after_crash();
  ASSERT_TRUE(is_ok(opened));
  EXPECT_EQ(content_of(**opened).value_or(Bytes()), plain);
  EXPECT_EQ(world_.lower.bytes(), before);
}

// The power goes after the new tail reached the disk and before the size did.
TEST_F(Settling, FindsATailWhoseSizeWasLost) {
  Bytes plain = make_durable_file(100);
  const Bytes more = append(200);
  world_.lower.truncate(lower_size_of(100));
  auto opened = open_after_crash();
  ASSERT_TRUE(is_ok(opened));
  plain.insert(plain.end(), more.begin(), more.end());
  EXPECT_EQ(content_of(**opened).value_or(Bytes()), plain);
  EXPECT_EQ(world_.lower.size(), lower_size_of(300));
  EXPECT_EQ(content_when_closed(), plain);
}

TEST_F(Settling, EndsAFileWhereItsSectorsEnd) {
  const Bytes plain = make_durable_file(2 * kSector + 100);
  const Bytes before = world_.lower.bytes();
  append(5 * kSector);
  put_page(2, before);                                    // the old tail was not replaced
  world_.lower.put(sector_offset(4), Bytes(kPageBytes));  // and a sector behind it was not written
  auto opened = open_after_crash();
  ASSERT_TRUE(is_ok(opened));
  EXPECT_EQ(content_of(**opened).value_or(Bytes()), plain);
  EXPECT_EQ(world_.lower.size(), lower_size_of(plain.size()));
  EXPECT_EQ(content_when_closed(), plain);
}

TEST_F(Settling, KeepsWhatOfAnAppendIsThere) {
  Bytes plain = make_durable_file(2 * kSector + 100);
  const Bytes more = append(5 * kSector);
  world_.lower.put(sector_offset(4), Bytes(kPageBytes));
  auto opened = open_after_crash();
  ASSERT_TRUE(is_ok(opened));
  plain.insert(plain.end(), more.begin(), more.end());
  plain.resize(4 * kSector);
  EXPECT_EQ(content_of(**opened).value_or(Bytes()), plain);
  EXPECT_EQ(content_when_closed(), plain);
}

TEST_F(Settling, BelievesNoLengthOfARecordThatIsNotDurable) {
  make_durable_file(3 * kSector);
  append(kSector);
  ASSERT_TRUE(is_ok(body_->seal(0)));
  EXPECT_EQ(world_.record().base_length, 3 * kSector);
  world_.lower.put(sector_offset(3), Bytes(kPageBytes));
  auto opened = open_after_crash();
  ASSERT_TRUE(is_ok(opened));
  EXPECT_EQ((*opened)->length(), 3 * kSector);
}

TEST_F(Settling, TakesABadSectorBelowTheBaseForDamageAndKeepsTheRest) {
  Bytes plain = make_durable_file(3 * kSector);
  const Bytes more = append(2 * kSector);
  ASSERT_TRUE(is_ok(body_->seal(0)));
  for (const std::uint64_t bad : {std::uint64_t{0}, std::uint64_t{2}}) {
    const Bytes before = world_.lower.bytes();
    world_.lower.put(sector_offset(bad) + 100, Bytes{1, 2, 3});
    auto opened = open_after_crash();
    ASSERT_TRUE(is_ok(opened));
    ASSERT_EQ((*opened)->length(), 5 * kSector);
    Bytes out(kSector);
    EXPECT_EQ(code_of((*opened)->read(bad * kSector, out)), Errc::kDamaged);
    ASSERT_TRUE(is_ok((*opened)->read(4 * kSector, out)));
    EXPECT_TRUE(std::ranges::equal(out, ByteSpan(more).subspan(kSector)));
    world_.lower.replace(before);
  }
}

TEST_F(Settling, OfTheSectorWithTheLastDurableByteKeepsWhatIsBehind) {
  make_durable_file(kSector + 10);
  append(3 * kSector - 10);
  world_.lower.put(sector_offset(1) + 100, Bytes{1, 2, 3});
  auto opened = open_after_crash();
  ASSERT_TRUE(is_ok(opened));
  EXPECT_EQ((*opened)->length(), 4 * kSector);
}

TEST_F(Settling, TakesAFileShorterThanItsBaseForDamageAndChangesNothing) {
  make_durable_file(3 * kSector);
  world_.lower.truncate(sector_offset(2));
  const Bytes before = world_.lower.bytes();
  EXPECT_EQ(code_of(open_after_crash()), Errc::kDamaged);
  EXPECT_EQ(world_.lower.bytes(), before);
}

TEST_F(Settling, TellsAHoleFromTheEndOfGrowth) {
  make_durable_file(kSector);
  ASSERT_TRUE(is_ok(body_->write(10 * kSector, Bytes(2 * kSector, 7))));
  EXPECT_EQ(world_.record().hole_end, 10U);
  world_.lower.put(sector_offset(11), Bytes(kPageBytes));
  auto opened = open_after_crash();
  ASSERT_TRUE(is_ok(opened));
  EXPECT_EQ((*opened)->length(), 11 * kSector);
}

TEST_F(Settling, KeepsTheExactLengthOfAHoleAtTheEnd) {
  make_durable_file(kSector);
  ASSERT_TRUE(is_ok(body_->resize(5 * kSector + 33)));
  auto opened = open_after_crash();
  ASSERT_TRUE(is_ok(opened));
  EXPECT_EQ((*opened)->length(), 5 * kSector + 33);
  opened->reset();
  EXPECT_EQ(content_when_closed().size(), 5 * kSector + 33);
}

TEST_F(Settling, WritesNothingInAReadOnlyMount) {
  Bytes plain = make_durable_file(100);
  append(200);
  world_.lower.truncate(lower_size_of(100));
  const Bytes before = world_.lower.bytes();
  auto opened = open_after_crash(false);
  ASSERT_TRUE(is_ok(opened));
  EXPECT_EQ((*opened)->length(), 300U);
  EXPECT_TRUE((*opened)->unsettled());
  EXPECT_EQ(world_.lower.bytes(), before);
}

TEST_F(Settling, PutsTheModificationTimeBack) {
  make_durable_file(100);
  append(5'000);
  const timespec time{1'000'000'000, 5};
  const Fd fd = world_.lower.descriptor();
  ASSERT_TRUE(is_ok(world_.files.set_times(fd.get(), {time, time})));
  world_.lower.truncate(sector_offset(2) + 1);
  ASSERT_TRUE(is_ok(world_.files.set_times(fd.get(), {time, time})));
  ASSERT_TRUE(is_ok(open_after_crash()));
  EXPECT_EQ(world_.lower.modification_time().tv_sec, time.tv_sec);
  EXPECT_EQ(world_.lower.modification_time().tv_nsec, time.tv_nsec);
}

// The disk is full: what is there can be read, the first change says why it cannot be made, and later it can.
TEST_F(Settling, ReadsAFileWhoseLengthCannotBeWritten) {
  Bytes plain = make_durable_file(100);
  const Bytes more = append(200);
  plain.insert(plain.end(), more.begin(), more.end());
  world_.lower.truncate(lower_size_of(100));
  world_.files.fail_at(1, ENOSPC, FaultyFiles::Mode::kWritesFromThenOn);
  auto opened = open_after_crash();
  ASSERT_TRUE(is_ok(opened));
  EXPECT_EQ(content_of(**opened).value_or(Bytes()), plain);
  EXPECT_TRUE((*opened)->settling_error());
  auto refused = (*opened)->write(0, Bytes(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().errno_value, ENOSPC);
  world_.files.heal();
  ASSERT_TRUE(is_ok((*opened)->write(0, ByteSpan(plain).first(1))));
  ASSERT_TRUE(is_ok((*opened)->seal(0)));
  EXPECT_EQ(content_when_closed(), plain);
}

TEST_F(Settling, IsNotNeededForTheMountsOwnRecords) {
  make_durable_file(100);
  auto opened = open_after_crash();
  ASSERT_TRUE(is_ok(opened));
  ASSERT_TRUE(is_ok((*opened)->write(0, Bytes(10))));
  ASSERT_TRUE(is_ok((*opened)->seal(0)));
  world_.lower.truncate(lower_size_of(99));
  EXPECT_EQ(code_of(FileBody::open(*context_, world_.lower.descriptor(), true)), Errc::kDamaged);
}

// A file that could not be sealed is longer than its record says, also without a crash.
TEST_F(Settling, IsDoneForAFileThatCouldNotBeSealed) {
  Bytes plain = make_durable_file(100);
  const Bytes more = append(5'000);
  plain.insert(plain.end(), more.begin(), more.end());
  world_.files.fail_at(1, ENOSPC, FaultyFiles::Mode::kWritesFromThenOn);
  EXPECT_FALSE(body_->seal(0));
  world_.files.heal();
  body_.reset();
  EXPECT_FALSE(world_.context.unsealed.empty());
  auto opened = world_.open();
  ASSERT_TRUE(is_ok(opened));
  EXPECT_EQ(content_of(**opened).value_or(Bytes()), plain);
  EXPECT_TRUE(world_.context.unsealed.empty());
}

// Without keys: anything that changed since the record and was not synced shows in one of these.
TEST_F(Settling, LooksAtRecordSizeAndLastSector) {
  make_durable_file(100);
  const Bytes before = world_.lower.bytes();
  auto looks = [&] {
    const Fd fd = world_.lower.descriptor();
    return looks_settled(world_.context, fd.get(), world_.files.stat_at(fd.get(), "").value(),
                         world_.record())
        .value();
  };
  EXPECT_TRUE(looks());
  append(200);
  EXPECT_FALSE(looks());
  world_.lower.truncate(lower_size_of(100));
  EXPECT_FALSE(looks());
  world_.lower.put(0, ByteSpan(before).first(kPageBytes));
  EXPECT_FALSE(looks());  // the sector alone is newer
  world_.lower.replace(before);
  EXPECT_TRUE(looks());
}

}  // namespace
}  // namespace enfold
