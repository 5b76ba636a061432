#include "kms/store/row_locator.h"

#include <random>

#include "tests/kms/support.h"

namespace enfold {
namespace {

TEST(RowLocator, FindsTheOneRowThatDiffers) {
  std::mt19937_64 random(test_seed());
  std::vector<std::pair<RowId, Digest>> rows;
  RowLocator expected;
  for (std::uint8_t i = 0; i < 200; ++i) {
    Digest element{};
    for (std::uint8_t& byte : element) byte = static_cast<std::uint8_t>(random());
    if (i == 0) element.fill(0xff);  // above the prime
    rows.emplace_back(RowId{static_cast<RowKind>(1 + i % 3), Bytes(1 + i % 20, i)}, element);
    expected.add(rows.back().first, element);
  }
  for (const auto& [victim, element] : rows) {
    RowLocator actual = expected;
    Digest older = element;
    older[3] ^= 1;
    actual.remove(victim, element);
    actual.add(victim, older);
    const RowLocator stored(expected.plain_sum(), expected.weighted_sum());
    for (const auto& [id, ignored] : rows) EXPECT_EQ(actual.differs_by(id, stored), id == victim);
  }
  for (const auto& [id, ignored] : rows) EXPECT_FALSE(expected.differs_by(id, expected)) << "nothing differs";
}

}  // namespace
}  // namespace enfold
