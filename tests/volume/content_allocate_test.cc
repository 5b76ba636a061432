// fallocate on one file: what becomes zero, what is reserved, and where holes may be afterwards.
#include "tests/volume/content_support.h"

namespace enfold {
namespace {

constexpr int kPunch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
constexpr int kZero = FALLOC_FL_ZERO_RANGE;
constexpr int kKeep = FALLOC_FL_KEEP_SIZE;
constexpr std::uint64_t kSector = kSectorPlainBytes;
constexpr std::uint64_t kLength = 3 * kSector + 777;

std::shared_ptr<FileBody> filled(ContentWorld& world, const Bytes& content) {
  auto body = world.create();
  EXPECT_TRUE(is_ok(body->write(0, content)));
  return world.reopen(std::move(body));
}

std::shared_ptr<FileBody> filled(ContentWorld& world, std::uint64_t length) {
  return filled(world, random_bytes(world.entropy, length));
}

Bytes allocated(Bytes content, int mode, std::uint64_t offset, std::uint64_t size) {
  const std::uint64_t end = std::min<std::uint64_t>(offset + size, content.size());
  if ((mode & ~kKeep) != 0 && offset < end)
    std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(offset), end - offset, std::uint8_t{0});
  if ((mode & kKeep) == 0) content.resize(std::max<std::uint64_t>(content.size(), offset + size));
  return content;
}

bool is_zero_below(const ContentWorld& world, std::uint64_t sector) {
  return is_hole(page_at(ByteSpan(world.lower.bytes()), sector + 1));
}

class ContentAllocateModes : public testing::TestWithParam<int> {};

// Each pair of edges, in the same mount and after a reopen.
TEST_P(ContentAllocateModes, DoWhatAVectorOfBytesWouldDo) {
  const std::uint64_t edges[] = {0,    1,    4063,        4064,    4065,        8127,
                                 8128, 8129, kLength - 1, kLength, kLength + 1, 30'000};
  for (const std::uint64_t from : edges)
    for (const std::uint64_t to : edges) {
      if (from >= to) continue;
      SCOPED_TRACE(std::to_string(from) + ".." + std::to_string(to));
      ContentWorld world;
      const Bytes old = random_bytes(world.entropy, kLength);
      auto body = filled(world, old);
      ASSERT_TRUE(is_ok(body->allocate(GetParam(), from, to - from)));
      const Bytes expected = allocated(old, GetParam(), from, to - from);
      ASSERT_EQ(content_of(*body).value_or(Bytes()), expected);
      ASSERT_EQ(world.lower.size(), lower_size_of(expected.size()));
      body = world.reopen(std::move(body));
      ASSERT_EQ(content_of(*body).value_or(Bytes()), expected);
      ASSERT_TRUE(is_ok(body->verify_tail()));
    }
}

TEST_P(ContentAllocateModes, RefuseNothingTooMuchAndWhoMayNotWrite) {
  ContentWorld world;
  auto body = filled(world, kLength);
  const auto refusal = [&](std::uint64_t offset, std::uint64_t size) {
    auto done = body->allocate(GetParam(), offset, size);
    return done ? 0 : done.error().errno_value;
  };
  EXPECT_EQ(refusal(0, 0), EINVAL);
  EXPECT_EQ(code_of(body->allocate(GetParam(), kMaxPlainLength, 1)), Errc::kLimit);
  EXPECT_EQ(code_of(body->allocate(GetParam(), 1, ~std::uint64_t{0})), Errc::kLimit);
  EXPECT_EQ(body->length(), kLength);
  body = world.open(false).value();
  EXPECT_EQ(refusal(0, 100), EBADF);
  world.context.read_only = true;
  EXPECT_EQ(refusal(0, 100), EROFS);
}

INSTANTIATE_TEST_SUITE_P(Modes, ContentAllocateModes,
                         testing::Values(0, kKeep, kPunch, kZero, kZero | kKeep));

TEST(ContentAllocate, RefusesOtherModes) {
  ContentWorld world;
  auto body = filled(world, kLength);
  for (const int mode : {FALLOC_FL_PUNCH_HOLE, FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE,
                         FALLOC_FL_UNSHARE_RANGE, kPunch | kZero, 1 << 20}) {
    auto done = body->allocate(mode, 0, kSector);
    EXPECT_EQ(done ? 0 : done.error().errno_value, EOPNOTSUPP) << mode;
  }
}

TEST(ContentAllocate, ReservesBlocksBeyondTheEndAndKeepsTheLength) {
  ContentWorld world;
  auto body = filled(world, kLength);
  const auto blocks = [&] {
    return world.files.stat_at(world.lower.descriptor().get(), "").value().stx_blocks;
  };
  const std::uint64_t before = blocks();
  ASSERT_TRUE(is_ok(body->allocate(kKeep, kLength, 1 << 20)));
  EXPECT_GE(blocks(), before + (1 << 20) / 512 - 8);
  EXPECT_EQ(body->length(), kLength);
  EXPECT_EQ(world.lower.size(), lower_size_of(kLength));
}

TEST(ContentAllocate, OnAFullDiskChangesNothing) {
  for (const int mode : {0, kKeep, kZero, kZero | kKeep}) {
    ContentWorld world;
    const Bytes old = random_bytes(world.entropy, kLength);
    auto body = filled(world, old);
    const Bytes before = world.lower.bytes();
    world.files.fail_at(1, ENOSPC, FaultyFiles::Mode::kWritesFromThenOn);
    auto done = body->allocate(mode, kLength - 10'000, 100'000);
    EXPECT_EQ(done ? 0 : done.error().errno_value, ENOSPC);
    world.files.heal();
    EXPECT_EQ(world.lower.bytes(), before);
    EXPECT_EQ(content_of(*body).value_or(Bytes()), old);
  }
}

TEST(ContentAllocate, MakesWholeSectorsHolesAndRewritesTheRest) {
  for (const int mode : {kPunch, kZero}) {
    ContentWorld world;
    auto body = filled(world, kLength);
    ASSERT_TRUE(is_ok(body->allocate(mode, kSector - 1, kSector + 2)));
    EXPECT_FALSE(is_zero_below(world, 0));
    EXPECT_TRUE(is_zero_below(world, 1));
    EXPECT_FALSE(is_zero_below(world, 2));
    ASSERT_TRUE(is_ok(body->allocate(mode, 3 * kSector, 777)));
    EXPECT_TRUE(is_zero_below(world, 3)) << "the last sector, whole up to the end";
  }
}

TEST(ContentAllocate, ZeroesByPunchingWhereTheLowerFilesystemCannotZero) {
  ContentWorld world;
  const Bytes old = random_bytes(world.entropy, kLength);
  auto body = filled(world, old);
  world.files.refuse_to_allocate(FALLOC_FL_ZERO_RANGE);
  ASSERT_TRUE(is_ok(body->allocate(kZero, 100, 2 * kSector)));
  EXPECT_EQ(content_of(*body).value_or(Bytes()), allocated(old, kZero, 100, 2 * kSector));
}

TEST(ContentAllocate, ThatTheLowerFilesystemCannotPunchChangesNothingAndLeavesNoHoleEnd) {
  for (const int mode : {kPunch, kZero}) {
    ContentWorld world;
    const Bytes old = random_bytes(world.entropy, kLength);
    auto body = filled(world, old);
    world.files.refuse_to_allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE);
    auto done = body->allocate(mode, 100, 2 * kSector);
    EXPECT_EQ(done ? 0 : done.error().errno_value, EOPNOTSUPP);
    EXPECT_EQ(content_of(*body).value_or(Bytes()), old);
    body = world.reopen(std::move(body));
    EXPECT_EQ(content_of(*body).value_or(Bytes()), old);
    EXPECT_EQ(world.record().hole_end, 0U);
  }
}

// A mount by an ordinary user of files that a group may write: each punch gave EPERM.
TEST(ContentAllocate, PunchesForWhoMayWriteAFileAndDoesNotOwnIt) {
  ContentWorld world;
  const Bytes old = random_bytes(world.entropy, kLength);
  auto body = filled(world, old);
  world.files.refuse_to_set_times(true);
  for (const int mode : {kPunch, kZero, kZero | kKeep, kKeep, 0})
    ASSERT_TRUE(is_ok(body->allocate(mode, 100, 2 * kSector)));
  EXPECT_EQ(content_of(*body).value_or(Bytes()), allocated(old, kPunch, 100, 2 * kSector));
}

TEST(ContentAllocate, PunchesNothingWhereTheRecordCannotBeSynced) {
  ContentWorld world;
  const Bytes old = random_bytes(world.entropy, kLength);
  auto body = filled(world, old);
  world.files.fail_sync_at(1, EIO);
  EXPECT_EQ(code_of(body->allocate(kPunch, 0, 2 * kSector)), Errc::kSystem);
  world.files.heal();
  EXPECT_EQ(content_of(*body).value_or(Bytes()), old);
  EXPECT_EQ(code_of(body->allocate(kPunch, 0, 2 * kSector)), Errc::kSystem) << "nor later, by asking again";
  EXPECT_EQ(content_of(*body).value_or(Bytes()), old);
}

TEST(ContentHoleEnd, IsRaisedByWholeStepsAndExactAfterASeal) {
  ContentWorld world;
  auto body = filled(world, 300 * kSector + 5);
  ASSERT_TRUE(is_ok(body->allocate(kPunch, kSector, kSector)));
  EXPECT_EQ(world.record().hole_end, 256U);
  ASSERT_TRUE(is_ok(body->allocate(kPunch, 256 * kSector, kSector)));
  EXPECT_EQ(world.record().hole_end, 301U) << "not beyond the end";
  ASSERT_TRUE(is_ok(body->seal(0)));
  EXPECT_EQ(world.record().hole_end, 257U);
}

TEST(ContentHoleEnd, CostsASyncForEachStepAndNotForEachPunch) {
  ContentWorld world;
  auto body = filled(world, 600 * kSector);
  world.files.fail_at(0, 0);
  for (std::uint64_t at = 0; at < 600; ++at)
    ASSERT_TRUE(is_ok(body->allocate(kPunch, at * kSector, kSector)));
  EXPECT_EQ(world.files.syncs(), 3);
}

TEST(ContentHoleEnd, NeedsNoSyncWhereACheckpointMadeTheRecordDurable) {
  ContentWorld world;
  auto body = filled(world, 10 * kSector);
  ASSERT_TRUE(is_ok(body->resize(20 * kSector)));
  world.epochs.set_durable(world.epochs.end_epoch());
  world.files.fail_at(0, 0);
  ASSERT_TRUE(is_ok(body->allocate(kPunch, 0, 5 * kSector)));
  EXPECT_EQ(world.files.syncs(), 0);
}

TEST(ContentHoleEnd, IsLoweredOnceWhatFilledAPunchedSectorIsDurable) {
  ContentWorld world;
  auto body = filled(world, 10 * kSector);
  const Bytes fill = random_bytes(world.entropy, kSector);
  ASSERT_TRUE(is_ok(body->allocate(kPunch, 2 * kSector, kSector)));
  ASSERT_TRUE(is_ok(body->write(2 * kSector, fill)));
  ASSERT_TRUE(is_ok(body->seal(0)));
  EXPECT_GE(world.record().hole_end, 3U) << "what filled it may be lost";
  ASSERT_TRUE(is_ok(body->sync(true)));
  ASSERT_TRUE(is_ok(body->write(0, fill)));
  ASSERT_TRUE(is_ok(body->sync(true)));
  ASSERT_TRUE(is_ok(body->seal(0)));
  EXPECT_EQ(world.record().hole_end, 0U);
}

TEST(ContentHoleEnd, LetsAZeroSectorBehindItBeNoticed) {
  ContentWorld world;
  auto body = filled(world, 10 * kSector);
  ASSERT_TRUE(is_ok(body->allocate(kPunch, 0, 3 * kSector)));
  body = world.reopen(std::move(body));
  world.lower.put(sector_offset(3), Bytes(kPageBytes));
  Bytes out(kSector);
  EXPECT_EQ(code_of(body->read(3 * kSector, out)), Errc::kDamaged);
  EXPECT_TRUE(is_ok(body->read(2 * kSector, out)));
  EXPECT_TRUE(is_ok(body->read(4 * kSector, out)));
}

TEST(ContentAllocate, ZeroingPartOfADamagedSectorChangesNothing) {
  ContentWorld world;
  auto body = filled(world, kLength);
  world.lower.put(sector_offset(1) + 50, Bytes(1, 0xee));
  const Bytes before = world.lower.bytes();
  EXPECT_EQ(code_of(body->allocate(kPunch, kSector + 5, 10)), Errc::kDamaged);
  EXPECT_EQ(world.lower.bytes(), before);
}

}  // namespace
}  // namespace enfold
