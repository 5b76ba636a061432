// The state record: dirty and clean, hole end, reserved writes, times; and the sets and locks beneath.
#include <thread>

#include "tests/volume/content_support.h"

namespace enfold {
namespace {

TEST(SectorSet, MergesWhatTouchesAndSplitsWhatIsCut) {
  SectorSet set;
  set.add(10, 20);
  set.add(30, 40);
  set.add(20, 30);
  EXPECT_EQ(set.intervals(), 1U);
  set.remove(15, 16);
  EXPECT_EQ(set.intervals(), 2U);
  EXPECT_EQ(set.end(), 40U);
  set.remove(16, 100);
  EXPECT_EQ(set.end(), 15U);
  set.remove(0, 15);
  EXPECT_TRUE(set.empty());
}

TEST(SectorSet, HoldsWhatASetOfNumbersWouldHold) {
  format_test::SeededEntropy entropy(format_test::test_seed());
  SectorSet set;
  std::vector<bool> model(64);
  for (int i = 0; i < 5'000; ++i) {
    const std::uint64_t first = entropy.below(64);
    const std::uint64_t end = first + entropy.below(64 - first + 1);
    const bool add = entropy.below(2) == 0;
    add ? set.add(first, end) : set.remove(first, end);
    for (std::uint64_t at = first; at < end; ++at) model[at] = add;
    std::size_t intervals = 0;
    std::uint64_t last_end = 0;
    for (std::uint64_t at = 0; at < model.size(); ++at) {
      if (!model[at]) continue;
      if (at == 0 || !model[at - 1]) ++intervals;
      last_end = at + 1;
    }
    ASSERT_EQ(set.intervals(), intervals);
    ASSERT_EQ(set.end(), last_end);
  }
}

TEST(WriteBudget, ReservesAheadAndNeverBeyondTheLimit) {
  WriteBudget budget(0, 0, 0);
  ASSERT_TRUE(budget.take(10));
  EXPECT_EQ(budget.reserved(), 10 + WriteBudget::kReserveAhead);
  const WriteBudget before = budget;
  ASSERT_TRUE(budget.take(WriteBudget::kReserveAhead));
  EXPECT_EQ(budget.reserved(), before.reserved());
  WriteBudget full(7, kMaxSectorWrites - 5, kMaxSectorWrites - 5);
  ASSERT_TRUE(full.take(5));
  EXPECT_EQ(full.reserved(), kMaxSectorWrites);
  EXPECT_EQ(full.key_epoch(), 7);
  ASSERT_TRUE(full.take(1));
  EXPECT_EQ(full.key_epoch(), 8);
  EXPECT_EQ(full.used(), 1U);
}

TEST(ContentState, IsDirtyBeforeTheFirstChangeAndCleanAfterTheSeal) {
  ContentWorld world;
  auto body = world.create();
  EXPECT_FALSE(world.record().clean);
  ASSERT_TRUE(is_ok(body->seal(0)));
  EXPECT_TRUE(world.record().clean);
  bool was_dirty = false;
  world.files.watch_writes([&](ByteSpan, std::uint64_t offset) {
    if (offset >= kPageBytes && !was_dirty) was_dirty = !world.record().clean;
  });
  ASSERT_TRUE(is_ok(body->write(0, Bytes(10'000))));
  EXPECT_TRUE(was_dirty);
  ASSERT_TRUE(is_ok(body->seal(0)));
  const StateRecord record = world.record();
  EXPECT_TRUE(record.clean);
  EXPECT_EQ(record.sealed_length, 10'000U);
  EXPECT_EQ(record.sector_writes, 3U);
  EXPECT_EQ(record.base_length, 0U);
  EXPECT_EQ(record.epoch, world.epochs.current());
  EXPECT_EQ(record.parent, format_test::sample_directory());
}

TEST(ContentState, GoesOnFromTheReservedWritesAfterAnUncleanOpen) {
  ContentWorld world;
  auto body = world.create();
  ASSERT_TRUE(is_ok(body->seal(0)));
  ASSERT_TRUE(is_ok(body->resize(0)));
  ASSERT_TRUE(is_ok(body->seal(0)));
  StateRecord record = world.record();
  record.clean = false;
  record.sector_writes = 1'000'000;
  world.put_record(record);
  body = std::move(world.open()).value();
  ASSERT_TRUE(is_ok(body->write(0, Bytes(1))));
  ASSERT_TRUE(is_ok(body->seal(0)));
  EXPECT_EQ(world.record().sector_writes, 1'000'001U);
}

TEST(ContentState, IsNotSealedWhileAnotherWriterIsThere) {
  ContentWorld world;
  auto body = world.create();
  body->add_writer();
  body->add_writer();
  ASSERT_TRUE(is_ok(body->seal(1)));
  EXPECT_FALSE(world.record().clean);
  body->drop_writer();
  ASSERT_TRUE(is_ok(body->seal(1)));
  EXPECT_TRUE(world.record().clean);
}

TEST(ContentState, PutsTheModificationTimeBackWhenItIsSealed) {
  ContentWorld world;
  auto body = world.create();
  ASSERT_TRUE(is_ok(body->write(0, Bytes(10))));
  const timespec set{1'000'000'000, 123'456'789};
  const Fd fd = world.lower.descriptor();
  ASSERT_TRUE(is_ok(world.files.set_times(fd.get(), {set, set})));
  ASSERT_TRUE(is_ok(body->seal(0)));
  EXPECT_EQ(world.lower.modification_time().tv_sec, set.tv_sec);
  EXPECT_EQ(world.lower.modification_time().tv_nsec, set.tv_nsec);
}

TEST(ContentState, HasAHoleEndBeforeAHoleIsMade) {
  ContentWorld world;
  auto body = world.create();
  ASSERT_TRUE(is_ok(body->write(20 * kSectorPlainBytes, Bytes(10, 1))));
  EXPECT_EQ(world.record().hole_end, 20U);
  ASSERT_TRUE(is_ok(body->resize(30 * kSectorPlainBytes)));
  EXPECT_EQ(world.record().hole_end, 30U);
  ASSERT_TRUE(is_ok(body->seal(0)));
  EXPECT_EQ(world.record().hole_end, 30U);
}

TEST(ContentState, HasNoHoleEndWhereAFileWasWrittenOutOfOrder) {
  ContentWorld world;
  const Bytes plain = random_bytes(world.entropy, 50 * kSectorPlainBytes + 99);
  auto body = world.create();
  constexpr std::uint64_t kPiece = 4096;
  for (std::uint64_t parity : {1U, 0U})
    for (std::uint64_t at = parity * kPiece; at < plain.size(); at += 2 * kPiece)
      ASSERT_TRUE(is_ok(body->write(at, ByteSpan(plain).subspan(at, std::min(kPiece, plain.size() - at)))));
  EXPECT_GT(world.record().hole_end, 0U);
  ASSERT_TRUE(is_ok(body->seal(0)));
  EXPECT_EQ(world.record().hole_end, 0U);
  EXPECT_EQ(content_of(*body).value_or(Bytes()), plain);
}

TEST(ContentState, KeepsAHoleEndFromBeforeAlsoWhenItsHolesAreFilled) {
  ContentWorld world;
  auto body = world.create();
  ASSERT_TRUE(is_ok(body->resize(10 * kSectorPlainBytes)));
  body = world.reopen(std::move(body));
  ASSERT_TRUE(is_ok(body->write(0, Bytes(10 * kSectorPlainBytes, 7))));
  body = world.reopen(std::move(body));
  EXPECT_EQ(world.record().hole_end, 10U);
  ASSERT_TRUE(is_ok(body->resize(3 * kSectorPlainBytes + 1)));
  body = world.reopen(std::move(body));
  EXPECT_EQ(world.record().hole_end, 4U);
}

TEST(ContentState, RefusesAZeroSectorPastTheHoleEndOnly) {
  ContentWorld world;
  auto body = world.create();
  ASSERT_TRUE(is_ok(body->resize(4 * kSectorPlainBytes)));
  ASSERT_TRUE(is_ok(body->write(4 * kSectorPlainBytes, Bytes(4 * kSectorPlainBytes, 7))));
  ASSERT_TRUE(is_ok(body->seal(0)));
  world.lower.put(sector_offset(5), Bytes(kPageBytes));
  Bytes out(kSectorPlainBytes, 0xee);
  ASSERT_TRUE(is_ok(body->read(2 * kSectorPlainBytes, out)));
  EXPECT_TRUE(all_zero(out));
  EXPECT_EQ(code_of(body->read(5 * kSectorPlainBytes, out)), Errc::kDamaged);
}

TEST(ContentState, RefusesWritesWhereTheyAreNotAllowed) {
  ContentWorld world;
  ASSERT_TRUE(is_ok(world.create()->seal(0)));
  auto body = std::move(world.open(false)).value();
  EXPECT_EQ(body->write(0, Bytes(1)).error().errno_value, EBADF);
  body->adopt_writable(world.lower.descriptor());
  EXPECT_TRUE(is_ok(body->write(0, Bytes(1))));
  EXPECT_EQ(code_of(body->write(kMaxPlainLength, Bytes(1))), Errc::kLimit);
  EXPECT_EQ(code_of(body->resize(kMaxPlainLength + 1)), Errc::kLimit);
  world.context.read_only = true;
  EXPECT_EQ(body->write(0, Bytes(1)).error().errno_value, EROFS);
  EXPECT_EQ(body->resize(0).error().errno_value, EROFS);
}

}  // namespace
}  // namespace enfold
