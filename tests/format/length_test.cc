#include "fs/format/length.h"

#include <gtest/gtest.h>

#include "tests/format/support.h"

namespace enfold {
namespace {

using format_test::SeededEntropy;

TEST(Length, IsTheWorkedTableOfTheFormat) {
  const std::pair<std::uint64_t, std::uint64_t> sizes[] = {
      {0, 4096},          {1, 8193},
      {4063, 12255},      {4064, 8192},
      {4065, 12289},      {8127, 16351},
      {8128, 12288},      {8129, 16385},
      {1 << 20, 1065024}, {std::uint64_t{1} << 40, 1108169207840}};
  for (const auto& [plain, lower] : sizes) {
    EXPECT_EQ(lower_size_of(plain), lower) << plain;
    EXPECT_EQ(plain_length_of(lower), plain) << lower;
  }
}

TEST(Length, ComesBackFromEveryLowerSize) {
  for (std::uint64_t plain = 0; plain < 20000; ++plain)
    ASSERT_EQ(plain_length_of(lower_size_of(plain)), plain);
  SeededEntropy random(format_test::test_seed());
  for (int i = 0; i < 10000; ++i) {
    const std::uint64_t plain = random.below(kMaxPlainLength + 1);
    ASSERT_EQ(plain_length_of(lower_size_of(plain)), plain);
  }
}

TEST(Length, OfEveryLowerSizeIsThatSizeOrNone) {
  for (std::uint64_t lower = 0; lower < 20000; ++lower) {
    const std::optional<std::uint64_t> plain = plain_length_of(lower);
    ASSERT_EQ(plain ? lower_size_of(*plain) : lower, lower);
  }
}

TEST(Length, IsNoneForLessThanAHeaderATailWithoutSectorsAndTheRemaindersOfSpecialObjects) {
  for (const std::uint64_t lower :
       {0U, 1U, 4095U, 4097U, 8159U, 8160U, 8191U, 12288U + 4064U, 12288U + 4095U})
    EXPECT_EQ(plain_length_of(lower), std::nullopt) << lower;
}

TEST(Length, OfTheLongestFileFitsAnOffset) {
  EXPECT_LE(lower_size_of(kMaxPlainLength), std::uint64_t{INT64_MAX});
}

TEST(Length, GivesEachSectorItsShare) {
  EXPECT_EQ(sector_plain_bytes(0, 0), 0U);
  EXPECT_EQ(sector_plain_bytes(1, 0), 1U);
  EXPECT_EQ(sector_plain_bytes(4064, 0), 4064U);
  EXPECT_EQ(sector_plain_bytes(4064, 1), 0U);
  EXPECT_EQ(sector_plain_bytes(4065, 1), 1U);
  EXPECT_EQ(sector_offset(0), 4096U);
  EXPECT_EQ(sector_offset(2), 12288U);
}

}  // namespace
}  // namespace enfold
