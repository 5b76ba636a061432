#include "kms/base/secret.h"

#include <gtest/gtest.h>

#include <array>
#include <concepts>
#include <iterator>
#include <ostream>
#include <set>
#include <vector>

#include "kms/base/entropy.h"

namespace enfold {
namespace {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};
template <class T>
concept Iterable = requires(const T& value) {
  std::begin(value);
};

// What a Secret must not be able to do, checked by the compiler. fmt prints whatever has begin() and end().
static_assert(!std::copy_constructible<DataKey> && !std::is_copy_assignable_v<DataKey>);
static_assert(std::movable<DataKey>);
static_assert(!Streamable<DataKey> && !Iterable<DataKey>);
static_assert(!std::equality_comparable<DataKey>);
static_assert(!std::convertible_to<DataKey, std::span<const std::uint8_t>>);
static_assert(!std::convertible_to<std::span<const std::uint8_t, 32>, DataKey>);
static_assert(!std::constructible_from<FileKey, const DataKey&> &&
              !std::constructible_from<FileKey, DataKey>);

TEST(Secret, StartsAsZeros) {
  DataKey key;
  for (std::uint8_t byte : key.expose()) EXPECT_EQ(byte, 0U);
}

TEST(Secret, MovesWithoutCopyingAndCopiesOnlyWhenAsked) {
  SystemEntropy entropy;
  auto key = random_secret<DataKey>(entropy);
  const std::uint8_t* memory = key.expose().data();
  DataKey copy = key.copy();
  DataKey moved = std::move(key);
  EXPECT_EQ(moved.expose().data(), memory);
  EXPECT_NE(copy.expose().data(), memory);
  EXPECT_TRUE(std::ranges::equal(copy.expose(), moved.expose()));
}

// The pool hands out the block that came back last, and never gives memory back to the system, so what a
// secret left behind can be looked at.
TEST(Secret, IsWipedWhenItGoes) {
  void* block = allocate_secret();
  auto* bytes = static_cast<std::uint8_t*>(block);
  std::fill(bytes, bytes + kMaxSecretBytes, std::uint8_t{0xa5});
  free_secret(block);
  // The first bytes hold the pool's own list.
  for (std::size_t i = sizeof(void*); i < kMaxSecretBytes; ++i) EXPECT_EQ(bytes[i], 0U) << i;
}

TEST(Secret, BlocksNeverOverlap) {
  std::vector<DataKey> keys(3000);
  std::set<const std::uint8_t*> starts;
  for (const DataKey& key : keys) starts.insert(key.expose().data());
  ASSERT_EQ(starts.size(), keys.size());
  const std::uint8_t* before = nullptr;
  for (const std::uint8_t* start : starts) {
    if (before != nullptr) {
      EXPECT_GE(start - before, static_cast<std::ptrdiff_t>(kMaxSecretBytes));
    }
    before = start;
  }
}

TEST(Entropy, NeverRepeats) {
  SystemEntropy entropy;
  std::set<std::array<std::uint8_t, 16>> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(random_array<16>(entropy)).second);
}

}  // namespace
}  // namespace enfold
