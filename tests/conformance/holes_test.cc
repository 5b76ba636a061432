// Sizes, holes and fallocate.
#include "tests/conformance/implementations.h"
#include "tests/conformance/sparse_bytes.h"

namespace enfold {
namespace {

constexpr std::uint64_t kSector = SparseBytes::kSector;
constexpr std::uint64_t kMiB = 1 << 20;
constexpr int kPunch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
constexpr std::uint64_t kSizes[] = {
    0, 1, 4063, 4064, 4065, 2 * kSector - 1, 2 * kSector, 2 * kSector + 1, 12'288, 100'000};

class Holes : public Conformance {
 protected:
  void SetUp() override {
    Conformance::SetUp();
    ASSERT_DONE(fs->open(1, "file", O_RDWR | O_CREAT, 0644));
  }

  // "data 0-10 hole 10-20", from a descriptor that can only read, with what lies between in whole MiB.
  std::string layout() {
    EXPECT_DONE(fs->open(2, "file", O_RDONLY, 0));
    std::string out;
    std::uint64_t at = 0;
    const auto size = static_cast<std::uint64_t>(status("file").st_size);
    while (at < size) {
      const auto data = fs->seek(2, at, SEEK_DATA);
      EXPECT_TRUE(data || errno_value(data) == ENXIO);
      const std::uint64_t begin = data ? *data : size;
      if (begin > at) out += "hole " + in_mib(at) + "-" + in_mib(begin) + " ";
      if (begin == size) break;
      const auto hole = fs->seek(2, begin, SEEK_HOLE);
      EXPECT_DONE(hole);
      at = hole ? *hole : size;
      out += "data " + in_mib(begin) + "-" + in_mib(at) + " ";
    }
    EXPECT_ERRNO(ENXIO, fs->seek(2, size, SEEK_DATA));
    EXPECT_ERRNO(ENXIO, fs->seek(2, size, SEEK_HOLE));
    EXPECT_DONE(fs->close(2));
    return out;
  }

  static std::string in_mib(std::uint64_t offset) { return std::to_string((offset + kMiB / 2) / kMiB); }
};

TEST_P(Holes, BetweenWrittenPartsReadAsZeros) {
  for (const std::uint64_t offset : kSizes) {
    ASSERT_DONE(fs->ftruncate(1, 0));
    ASSERT_DONE(fs->write(1, offset, "x"));
    EXPECT_EQ(fs->fstat(1)->st_size, static_cast<off_t>(offset + 1));
    EXPECT_EQ(fs->read(1, 0, 200'000).value(), std::string(offset, '\0') + "x") << offset;
  }
}

TEST_P(Holes, FromTruncationUpAndDownHaveTheExactSize) {
  for (const std::uint64_t from : kSizes)
    for (const std::uint64_t to : kSizes) {
      ASSERT_DONE(fs->ftruncate(1, 0));
      ASSERT_DONE(fs->write(1, 0, std::string(from, 'x')));
      ASSERT_DONE(fs->ftruncate(1, to));
      EXPECT_EQ(fs->fstat(1)->st_size, static_cast<off_t>(to));
      ASSERT_DONE(fs->ftruncate(1, 120'000));
      std::string expected(std::min(from, to), 'x');
      expected.resize(120'000);
      EXPECT_TRUE(fs->read(1, 0, 200'000).value() == expected) << from << " cut to " << to;
    }
  fs->remount();
  EXPECT_EQ(status("file").st_size, 120'000);
}

TEST_P(Holes, OfHugeFilesTakeNoRoomAndNoTime) {
  constexpr std::uint64_t kHuge = std::uint64_t{1} << 43;  // what ext4 takes
  ASSERT_DONE(fs->ftruncate(1, kHuge));
  ASSERT_DONE(fs->write(1, kHuge - 1, "x"));
  ASSERT_DONE(fs->write(1, kHuge / 2, "y"));
  EXPECT_EQ(fs->read(1, kHuge - 2, 10).value(), std::string("\0x", 2));
  EXPECT_LT(status("file").st_blocks, 200);
  ASSERT_DONE(fs->close(1));
  now_and_after_a_remount([&] {
    EXPECT_EQ(status("file").st_size, static_cast<off_t>(kHuge));
    const std::string half = in_mib(kHuge / 2);
    EXPECT_EQ(layout(), "hole 0-" + half + " data " + half + "-" + half + " hole " + half + "-" +
                            in_mib(kHuge) + " data " + in_mib(kHuge) + "-" + in_mib(kHuge) + " ");
  });
  ASSERT_DONE(fs->truncate("file", 5));
  EXPECT_EQ(content("file"), std::string(5, '\0'));
}

TEST_P(Holes, AreFoundWhereNothingWasWritten) {
  ASSERT_DONE(fs->write(1, 0, std::string(kMiB, 'x')));
  ASSERT_DONE(fs->write(1, 3 * kMiB, std::string(kMiB, 'y')));
  ASSERT_DONE(fs->ftruncate(1, 6 * kMiB));
  ASSERT_DONE(fs->sync(1));
  ASSERT_DONE(fs->close(1));
  now_and_after_a_remount([&] { EXPECT_EQ(layout(), "data 0-1 hole 1-3 data 3-4 hole 4-6 "); });
}

TEST_P(Holes, ArePunchedOutAndFilledAgain) {
  ASSERT_DONE(fs->write(1, 0, std::string(6 * kMiB, 'x')));
  ASSERT_DONE(fs->allocate(1, kPunch, kMiB, 2 * kMiB));
  ASSERT_DONE(fs->allocate(1, kPunch, 5 * kMiB, 9 * kMiB));
  EXPECT_EQ(fs->fstat(1)->st_size, static_cast<off_t>(6 * kMiB));
  std::string expected(6 * kMiB, 'x');
  expected.replace(kMiB, 2 * kMiB, 2 * kMiB, '\0').replace(5 * kMiB, kMiB, kMiB, '\0');
  EXPECT_TRUE(fs->read(1, 0, 7 * kMiB).value() == expected);
  ASSERT_DONE(fs->write(1, 2 * kMiB, std::string(kMiB, 'z')));
  ASSERT_DONE(fs->sync(1));
  ASSERT_DONE(fs->close(1));
  expected.replace(2 * kMiB, kMiB, kMiB, 'z');
  now_and_after_a_remount([&] {
    EXPECT_EQ(layout(), "data 0-1 hole 1-2 data 2-5 hole 5-6 ");
    EXPECT_TRUE(content("file") == expected);
  });
}

TEST_P(Holes, AreDataWhileWhatIsWrittenIsNotYetOnDisk) {
  ASSERT_DONE(fs->ftruncate(1, 4 * kMiB));
  ASSERT_DONE(fs->write(1, 2 * kMiB, "x"));
  const auto data = fs->seek(1, kMiB, SEEK_DATA);
  ASSERT_DONE(data);
  EXPECT_LE(*data, 2 * kMiB);
  const auto hole = fs->seek(1, 2 * kMiB, SEEK_HOLE);
  ASSERT_DONE(hole);
  EXPECT_GT(*hole, 2 * kMiB);
}

// Each mode over each pair of edges, against what bytes should be there.
TEST_P(Holes, AllocationChangesWhatItSaysAndNothingElse) {
  const std::map<std::string, int> modes = {{"plain", 0},
                                            {"keep size", FALLOC_FL_KEEP_SIZE},
                                            {"punch", kPunch},
                                            {"zero", FALLOC_FL_ZERO_RANGE},
                                            {"zero, keep size", FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE}};
  const std::string before(2 * kSector + 100, 'x');
  for (const auto& [name, mode] : modes)
    for (const std::uint64_t begin : kSizes)
      for (const std::uint64_t length : kSizes) {
        ASSERT_DONE(fs->ftruncate(1, 0));
        ASSERT_DONE(fs->write(1, 0, before));
        EXPECT_ERRNO(length == 0 ? EINVAL : 0, fs->allocate(1, mode, begin, length));
        const bool grows = (mode & FALLOC_FL_KEEP_SIZE) == 0 && length != 0;
        const bool zeroes = (mode & ~FALLOC_FL_KEEP_SIZE) != 0;
        std::string expected = before;
        expected.resize(std::max(expected.size(), begin + length));
        if (zeroes) std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(begin), length, '\0');
        if (!grows) expected.resize(before.size());
        EXPECT_TRUE(fs->read(1, 0, 300'000).value() == expected) << name << " " << begin << " " << length;
        EXPECT_EQ(fs->fstat(1)->st_size, static_cast<off_t>(expected.size()))
            << name << " " << begin << " " << length;
      }
}

TEST_P(Holes, AllocationOfUnknownKindsIsRefused) {
  ASSERT_DONE(fs->write(1, 0, "content"));
  EXPECT_ERRNO(EOPNOTSUPP, fs->allocate(1, FALLOC_FL_PUNCH_HOLE, 0, 4096));
  ASSERT_DONE(fs->open(2, "file", O_RDONLY, 0));
  EXPECT_ERRNO(EBADF, fs->allocate(2, 0, 0, 4096));
  EXPECT_EQ(content("file"), "content");
}

TEST_P(Holes, AllocationMovesTheTimesWithTheContent) {
  ASSERT_DONE(fs->write(1, 0, std::string(20'000, 'x')));
  EXPECT_EQ(moved_times("file", [&] { ASSERT_DONE(fs->allocate(1, kPunch, 4000, 9000)); }), "mc");
  EXPECT_EQ(moved_times("file", [&] { ASSERT_DONE(fs->allocate(1, FALLOC_FL_ZERO_RANGE, 100, 200)); }), "mc");
  EXPECT_EQ(moved_times("file", [&] { ASSERT_DONE(fs->allocate(1, 0, 0, 40'000)); }), "mc");
}

TEST_P(Holes, AreCopiedAsZeros) {
  ASSERT_DONE(fs->write(1, 100'000, "end"));
  ASSERT_DONE(fs->open(2, "copy", O_RDWR | O_CREAT, 0644));
  ASSERT_DONE(fs->copy(1, 0, 2, 0, 100'003));
  EXPECT_TRUE(content("copy") == content("file"));
  ASSERT_DONE(fs->copy(1, 99'999, 2, 50, 4));
  EXPECT_EQ(fs->read(2, 49, 6).value(), std::string("\0\0end\0", 6));
}

ENFOLD_RUN_SUITE(Holes, implementations);

}  // namespace
}  // namespace enfold
