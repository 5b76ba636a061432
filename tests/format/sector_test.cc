#include "fs/format/sector.h"

#include <gtest/gtest.h>

#include "tests/format/matchers.h"
#include "tests/format/support.h"

namespace enfold {
namespace {

using format_test::counting;
using Page = std::array<std::uint8_t, kPageBytes>;
using Plain = std::array<std::uint8_t, kSectorPlainBytes>;

class Sector : public testing::Test {
 protected:
  Page seal(ByteSpan plain, std::uint64_t index = 7, SectorKey key = {}) {
    Page page;
    page.fill(0xee);
    seal_sector(gcm_, {volume_, file_, index}, key, counting<12>(1), plain, page);
    return page;
  }
  std::optional<std::uint16_t> open(const Page& page, std::uint64_t index = 7) {
    opened_.fill(0xee);
    return open_sector(gcm_, {volume_, file_, index}, page, opened_);
  }

  const VolumeId volume_ = format_test::sample_volume();
  const FileId file_ = format_test::sample_file();
  Gcm gcm_{format_test::sample_content_key().expose()};
  Plain opened_{};
};

TEST_F(Sector, ComesBackAtEveryLengthWithTheRestZero) {
  format_test::SeededEntropy random(format_test::test_seed());
  for (const std::size_t length : {1U, 2U, 15U, 16U, 17U, 2000U, 4063U, 4064U}) {
    Bytes plain(length);
    random.fill(plain);
    ASSERT_EQ(open(seal(plain)), length);
    EXPECT_TRUE(std::ranges::equal(plain, std::span(opened_).first(length)));
    EXPECT_TRUE(all_zero(std::span(opened_).subspan(length)));
  }
}

TEST_F(Sector, RefusesAChangeInAnyByteAndWipesThePlaintext) {
  format_test::expect_each_flip_refused<Page>(
      seal(counting<100>(0)), [this](const Page& page) { return !open(page) && all_zero(opened_); });
}

TEST_F(Sector, RefusesAnotherIndexFileVolumeAndKey) {
  const Page page = seal(counting<100>(0));
  EXPECT_FALSE(open(page, 8));
  const FileId other_file = format_test::other_file();
  EXPECT_FALSE(open_sector(gcm_, {volume_, other_file, 7}, page, opened_));
  const VolumeId other_volume{counting<16>(0x11)};
  EXPECT_FALSE(open_sector(gcm_, {other_volume, file_, 7}, page, opened_));
  Gcm next_epoch(format_test::sample_content_key(1).expose());
  EXPECT_FALSE(open_sector(next_epoch, {volume_, file_, 7}, page, opened_));
}

TEST_F(Sector, NamesItsKeyAndBindsIt) {
  const SectorKey key{.parity = 1, .key_epoch = 200};
  Page page = seal(counting<100>(0), 7, key);
  EXPECT_EQ(sector_key(page), key);
  EXPECT_TRUE(open(page));
  page[30] = 0;
  EXPECT_FALSE(open(page));
  page = seal(counting<100>(0), 7, key);
  page[31] = 0;
  EXPECT_FALSE(open(page));
}

TEST_F(Sector, RefusesAValidTagOverLengthFlagsOrPaddingThatNoWriterWrites) {
  const Plain zeros{};
  const Bytes padded_with_one = [] {
    Bytes out(4064);
    out[100] = 1;
    return out;
  }();
  const auto any = format_test::seal_any_sector;
  EXPECT_EQ(open(any(100, 0, zeros)), 100);
  EXPECT_FALSE(open(any(0, 0, zeros)));
  EXPECT_FALSE(open(any(4065, 0, zeros)));
  EXPECT_FALSE(open(any(0xffff, 0, zeros)));
  EXPECT_EQ(open(any(100, 0x0100, zeros)), 100);
  EXPECT_FALSE(open(any(100, 0x0200, zeros)));
  EXPECT_FALSE(open(any(100, 0x8000, zeros)));
  EXPECT_FALSE(open(any(100, 0, padded_with_one)));
  EXPECT_TRUE(all_zero(opened_));
  EXPECT_EQ(open(any(101, 0, padded_with_one)), 101);
}

TEST_F(Sector, OfZerosIsAHoleAndNeverVerifies) {
  Page page{};
  EXPECT_TRUE(is_hole(page));
  EXPECT_FALSE(open(page));
  page[4095] = 1;
  EXPECT_FALSE(is_hole(page));
  EXPECT_FALSE(is_hole(seal(Plain{})));
}

TEST_F(Sector, SealsFromMemoryThatIsLongerThanItsPart) {
  const Bytes file(3 * kSectorPlainBytes, 0x5a);
  const Page page = seal(ByteSpan(file).subspan(kSectorPlainBytes, kSectorPlainBytes));
  ASSERT_EQ(open(page), kSectorPlainBytes);
  EXPECT_TRUE(std::ranges::all_of(opened_, [](std::uint8_t byte) { return byte == 0x5a; }));
}

}  // namespace
}  // namespace enfold
