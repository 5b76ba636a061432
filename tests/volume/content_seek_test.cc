// SEEK_DATA and SEEK_HOLE on one file.
#include "tests/volume/content_support.h"

namespace enfold {
namespace {

constexpr int kPunch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
constexpr std::uint64_t kSector = kSectorPlainBytes;

class ContentSeek : public testing::Test {
 protected:
  ContentSeek() : body(world.create()) { EXPECT_TRUE(is_ok(body->write(0, Bytes(10 * kSector + 500, 1)))); }

  // Where the next data or hole begins; an errno, negative.
  std::int64_t seek(std::uint64_t offset, int whence) {
    auto found = body->seek(offset, whence);
    return found ? static_cast<std::int64_t>(*found) : -found.error().errno_value;
  }
  std::int64_t data(std::uint64_t offset) { return seek(offset, SEEK_DATA); }
  std::int64_t hole(std::uint64_t offset) { return seek(offset, SEEK_HOLE); }
  // As "from-to" of each hole.
  std::string holes() {
    std::string out;
    for (std::int64_t at = 0; (at = hole(static_cast<std::uint64_t>(at))) >= 0;) {
      if (static_cast<std::uint64_t>(at) >= body->length()) break;
      std::int64_t end = data(static_cast<std::uint64_t>(at));
      if (end < 0) end = static_cast<std::int64_t>(body->length());
      out += std::to_string(at) + "-" + std::to_string(end) + " ";
      at = end;
      if (static_cast<std::uint64_t>(at) >= body->length()) break;
    }
    return out;
  }
  static std::string text(std::uint64_t from, std::uint64_t to) {
    return std::to_string(from) + "-" + std::to_string(to) + " ";
  }

  ContentWorld world;
  std::shared_ptr<FileBody> body;
};

TEST_F(ContentSeek, FindsNoHoleInAFileThatNeverHadOne) {
  for (const std::uint64_t at : {0U, 1U, 4063U, 4064U, 4065U, 8128U}) {
    EXPECT_EQ(data(at), static_cast<std::int64_t>(at));
    EXPECT_EQ(hole(at), static_cast<std::int64_t>(body->length()));
  }
}

TEST_F(ContentSeek, EndsWithTheFileAndKnowsTwoQuestionsOnly) {
  for (const int whence : {SEEK_DATA, SEEK_HOLE}) {
    EXPECT_EQ(seek(body->length() - 1, whence),
              static_cast<std::int64_t>(body->length()) - (whence == SEEK_DATA));
    EXPECT_EQ(seek(body->length(), whence), -ENXIO);
    EXPECT_EQ(seek(~std::uint64_t{0}, whence), -ENXIO);
  }
  EXPECT_EQ(seek(0, SEEK_SET), -EINVAL);
  EXPECT_EQ(seek(0, SEEK_END), -EINVAL);
}

TEST_F(ContentSeek, FindsNothingInAnEmptyFile) {
  ASSERT_TRUE(is_ok(body->resize(0)));
  EXPECT_EQ(data(0), -ENXIO);
  EXPECT_EQ(hole(0), -ENXIO);
}

TEST_F(ContentSeek, FindsWhatWasPunchedToTheSector) {
  ASSERT_TRUE(is_ok(body->allocate(kPunch, 100, 3 * kSector)));
  ASSERT_TRUE(is_ok(body->allocate(kPunch, 5 * kSector, 2 * kSector)));
  const std::string expected = text(kSector, 3 * kSector) + text(5 * kSector, 7 * kSector);
  EXPECT_EQ(holes(), expected);
  EXPECT_EQ(hole(kSector + 7), static_cast<std::int64_t>(kSector + 7)) << "from within a hole";
  EXPECT_EQ(data(kSector + 7), static_cast<std::int64_t>(3 * kSector));
  body = world.reopen(std::move(body));
  EXPECT_EQ(holes(), expected);
}

TEST_F(ContentSeek, FindsWhatAGrowthLeftOut) {
  ASSERT_TRUE(is_ok(body->write(20 * kSector + 9, Bytes(10, 1))));
  ASSERT_TRUE(is_ok(body->resize(30 * kSector + 9)));
  const std::string expected = text(11 * kSector, 20 * kSector) + text(21 * kSector, 30 * kSector + 9);
  EXPECT_EQ(holes(), expected);
  EXPECT_EQ(data(21 * kSector), -ENXIO);
  body = world.reopen(std::move(body));
  EXPECT_EQ(holes(), expected);
}

TEST_F(ContentSeek, FindsAHoleUpToTheEndAndNoneWhereItWasFilled) {
  ASSERT_TRUE(is_ok(body->allocate(kPunch, 8 * kSector, 100 * kSector)));
  EXPECT_EQ(holes(), text(8 * kSector, body->length()));
  ASSERT_TRUE(is_ok(body->write(9 * kSector + 5, Bytes(1, 1))));
  EXPECT_EQ(holes(), text(8 * kSector, 9 * kSector) + text(10 * kSector, body->length()));
}

TEST_F(ContentSeek, CallsAllDataWhileItMayBeMapped) {
  ASSERT_TRUE(is_ok(body->allocate(kPunch, 0, 5 * kSector)));
  body->add_mapper();
  EXPECT_EQ(data(100), 100);
  EXPECT_EQ(hole(100), static_cast<std::int64_t>(body->length()));
  body->drop_mapper();
  EXPECT_EQ(holes(), text(0, 5 * kSector));
}

// cp --sparse=never of a lower tree.
TEST_F(ContentSeek, CallsHolesThatACopyFilledWithZerosData) {
  ASSERT_TRUE(is_ok(body->allocate(kPunch, 0, 5 * kSector)));
  body = world.reopen(std::move(body));
  const Bytes copy = world.lower.bytes();
  world.lower.replace(copy);
  EXPECT_EQ(holes(), "");
  EXPECT_EQ(content_of(*body).value_or(Bytes()).size(), 10 * kSector + 500);
}

TEST_F(ContentSeek, DoesNotCallZerosBehindTheHoleEndAHole) {
  ASSERT_TRUE(is_ok(body->allocate(kPunch, 0, kSector)));
  body = world.reopen(std::move(body));
  PosixFiles files;
  ASSERT_TRUE(is_ok(files.allocate(world.lower.descriptor().get(), kPunch, sector_offset(4), kPageBytes)));
  EXPECT_EQ(holes(), text(0, kSector)) << "a reader must come across the damage";
}

TEST_F(ContentSeek, SaysWhatTheLowerFilesystemSays) {
  ASSERT_TRUE(is_ok(body->allocate(kPunch, 0, 5 * kSector)));
  world.files.fail_at(1, EIO, FaultyFiles::Mode::kAllFromThenOn);
  EXPECT_EQ(data(0), -EIO);
  EXPECT_EQ(hole(0), -EIO);
  world.files.heal();
}

}  // namespace
}  // namespace enfold
