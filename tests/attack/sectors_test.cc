// W2, W4, W5: sectors moved, appended, zeroed and punched.
#include <fcntl.h>
#include <unistd.h>

#include "tests/attack/attack_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

constexpr std::size_t kSectors = 4;

class AttackSectors : public testing::Test {
 protected:
  AttackSectors() {
    world_.keep_random_file("victim", (kSectors - 1) * kSectorPlainBytes + 1000);
    world_.keep_random_file("other", (kSectors - 1) * kSectorPlainBytes + 1000);
    world_.keep_random_file("full", kSectors * kSectorPlainBytes);
  }

  void expect_noticed(const LowerCopy& copy, const std::string& plain = "victim") {
    ASSERT_TRUE(noticed(world_, {.plain = plain}));
    copy.put_back();
  }

  AttackWorld world_{3};
};

using AttackW2 = AttackSectors;
using AttackW4 = AttackSectors;
using AttackW5 = AttackSectors;

TEST_F(AttackW2, AnyTwoSectorsOfAFileSwappedAreNoticed) {
  for (const char* path : {"victim", "full"}) {
    const LowerCopy file(world_, path);
    for (std::size_t a = 0; a < kSectors; ++a) {
      for (std::size_t b = a + 1; b < kSectors; ++b) {
        std::string swapped = file.bytes();
        swapped.replace(sector_offset(a), kPageBytes, file.page(1 + b));
        swapped.replace(sector_offset(b), kPageBytes, file.page(1 + a));
        spill(file.path(), swapped);
        ASSERT_NO_FATAL_FAILURE(expect_noticed(file, path)) << a << " and " << b;
      }
    }
  }
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW2, ASectorOfAnotherFileIsNoticedAtItsOwnPlaceAndAtAnyOther) {
  const LowerCopy victim(world_, "victim");
  const LowerCopy other(world_, "other");
  for (std::size_t from = 0; from < kSectors; ++from) {
    for (std::size_t to = 0; to < kSectors; ++to) {
      victim.lay_over(sector_offset(to), other.page(1 + from));
      ASSERT_NO_FATAL_FAILURE(expect_noticed(victim)) << from << " to " << to;
    }
  }
}

TEST_F(AttackW2, AllSectorsOfAnotherFileBelowOnesOwnHeaderAreNoticed) {
  const LowerCopy victim(world_, "victim");
  const LowerCopy other(world_, "other");
  victim.lay_over(sector_offset(0), std::string_view(other.bytes()).substr(kPageBytes));
  expect_noticed(victim);
}

// Said so: README, "What is not noticed".
TEST_F(AttackW2, ASectorOfALowerCopyThatWentItsOwnWayIsNotNoticed) {
  const LowerCopy before(world_, "victim");
  std::string& content = world_.known["victim"].content;
  std::string changed = content;
  changed.replace(kSectorPlainBytes, kSectorPlainBytes, std::string(kSectorPlainBytes, 'x'));
  ASSERT_TRUE(is_ok(world_.write("victim", changed)));
  const std::string diverged = slurp(before.path());
  spill(before.path(), before.bytes());
  before.lay_over(sector_offset(1), std::string_view(diverged).substr(sector_offset(1), kPageBytes));
  content = changed;
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW4, AnAppendedZeroSectorIsNoticed) {
  for (const char* path : {"victim", "full"}) {
    const LowerCopy file(world_, path);
    for (const std::size_t pages : {1U, 2U, 100U}) {
      stdfs::resize_file(file.path(), file.bytes().size() + pages * kPageBytes);
      ASSERT_NO_FATAL_FAILURE(expect_noticed(file, path)) << pages;
    }
  }
}

TEST_F(AttackW4, AnAppendedCopyOfAnySectorIsNoticed) {
  const LowerCopy file(world_, "full");
  for (std::size_t index = 0; index < kSectors; ++index) {
    spill(file.path(), file.bytes() + file.page(1 + index));
    ASSERT_NO_FATAL_FAILURE(expect_noticed(file, "full")) << index;
  }
}

TEST_F(AttackW4, TheOldTailOfAFileThatWasCutIsNoticed) {
  const std::string longer = world_.known["full"].content;
  const std::string old_bytes = LowerCopy(world_, "full").bytes();
  for (const std::size_t length : {3 * kSectorPlainBytes, 2 * kSectorPlainBytes + 77, std::uint64_t{1}}) {
    AttributeChanges cut;
    cut.length = length;
    ASSERT_TRUE(is_ok(world_.tree().set_attributes(world_.inode("full"), cut)));
    world_.known["full"].content = longer.substr(0, length);
    ASSERT_TRUE(unharmed(world_));
    const LowerCopy file(world_, "full");
    const std::size_t edge = sector_offset(length / kSectorPlainBytes);
    spill(file.path(), file.bytes().substr(0, edge) + old_bytes.substr(edge));
    ASSERT_NO_FATAL_FAILURE(expect_noticed(file, "full")) << length;
    spill(file.path(), file.bytes().substr(0, sector_offset(sectors_of(length))) +
                           old_bytes.substr(sector_offset(sectors_of(length))));
    ASSERT_NO_FATAL_FAILURE(expect_noticed(file, "full")) << length;
  }
}

TEST_F(AttackW5, AnyZeroedOrPunchedSectorOfAFileThatWasNeverSparseIsNoticed) {
  for (const char* path : {"victim", "full"}) {
    const LowerCopy file(world_, path);
    for (std::size_t index = 0; index < kSectors; ++index) {
      file.lay_over(sector_offset(index), std::string(kPageBytes, '\0'));
      ASSERT_NO_FATAL_FAILURE(expect_noticed(file, path)) << index;
      PosixFiles files;
      auto fd = files.open_at(AT_FDCWD, file.path(), O_RDWR, 0);
      ASSERT_TRUE(is_ok(fd));
      ASSERT_EQ(::fallocate(fd->get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                            static_cast<off_t>(sector_offset(index)), kPageBytes),
                0);
      ASSERT_NO_FATAL_FAILURE(expect_noticed(file, path)) << index;
    }
  }
}

TEST_F(AttackW5, AFileWhoseSectorsAreAllZeroedIsNoticed) {
  const LowerCopy file(world_, "full");
  stdfs::resize_file(file.path(), kPageBytes);
  stdfs::resize_file(file.path(), file.bytes().size());
  expect_noticed(file, "full");
}

// Said so: below the hole end of a file that has holes a zeroed sector is a hole, above it is damage.
TEST_F(AttackW5, AZeroedSectorIsTakenForAHoleOnlyBelowAHoleThatTheUserMade) {
  auto created = world_.tree().create(kRootInode, "sparse", 0644, world_.caller());
  ASSERT_TRUE(is_ok(created));
  const std::string start(kSectorPlainBytes, 's');
  const std::string end(kSectorPlainBytes, 'e');
  ASSERT_TRUE(is_ok(created->handle->write(0, as_bytes(start))));
  ASSERT_TRUE(is_ok(created->handle->write(3 * kSectorPlainBytes, as_bytes(end))));
  ASSERT_TRUE(is_ok(created->handle->release()));
  const std::string hole(2 * kSectorPlainBytes, '\0');
  world_.known["sparse"].content = start + hole + end;
  ASSERT_TRUE(unharmed(world_));
  const LowerCopy sparse(world_, "sparse");
  sparse.lay_over(sector_offset(3), std::string(kPageBytes, '\0'));
  ASSERT_NO_FATAL_FAILURE(expect_noticed(sparse, "sparse"));
  sparse.lay_over(sector_offset(0), std::string(kPageBytes, '\0'));
  world_.known["sparse"].content = std::string(kSectorPlainBytes, '\0') + hole + end;
  EXPECT_TRUE(unharmed(world_));
}

// While the file is open, what is read after the change is judged by the same rules.
TEST_F(AttackW2, SectorsSwappedUnderAnOpenFileAreNoticed) {
  auto handle = world_.tree().open_file(world_.inode("victim"), O_RDWR);
  ASSERT_TRUE(is_ok(handle));
  const LowerCopy victim(world_, "victim");
  victim.lay_over(sector_offset(0), victim.page(2));
  EXPECT_TRUE(refuses(**handle, world_.known["victim"].content));
  EXPECT_EQ(errno_of_result((*handle)->write(10, as_bytes("part of the damaged sector"))), EIO);
  ASSERT_TRUE(is_ok((*handle)->release()));
  expect_noticed(victim);
}

TEST_F(AttackW5, ASectorZeroedUnderAnOpenFileIsNoticed) {
  auto handle = world_.tree().open_file(world_.inode("victim"), O_RDONLY);
  ASSERT_TRUE(is_ok(handle));
  const LowerCopy victim(world_, "victim");
  victim.lay_over(sector_offset(1), std::string(kPageBytes, '\0'));
  EXPECT_TRUE(refuses(**handle, world_.known["victim"].content));
  ASSERT_TRUE(is_ok((*handle)->release()));
  expect_noticed(victim);
}

}  // namespace
}  // namespace enfold
