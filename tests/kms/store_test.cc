#include "kms/store/store.h"

#include <random>

#include "kms/store/store_admin.h"
#include "tests/kms/support.h"

namespace enfold {
namespace {

TEST(MultisetHash, DoesNotDependOnOrderAndTakesBackWhatItAdded) {
  std::mt19937_64 random(test_seed());
  std::vector<Digest> elements(20);
  for (Digest& element : elements)
    for (std::uint8_t& byte : element) byte = static_cast<std::uint8_t>(random());
  elements[0].fill(0xff);
  MultisetHash forward;
  MultisetHash backward;
  for (const Digest& element : elements) forward.add(element);
  std::ranges::reverse(elements);
  for (const Digest& element : elements) backward.add(element);
  EXPECT_EQ(forward, backward);
  EXPECT_NE(forward, MultisetHash());
  for (const Digest& element : elements) forward.remove(element);
  EXPECT_EQ(forward, MultisetHash());
}

TEST(MultisetHash, CountsHowOftenAnElementIsThere) {
  Digest element{};
  element[31] = 0x80;  // twice this is zero modulo 2^256, once is not
  element[0] = 1;
  MultisetHash once;
  once.add(element);
  MultisetHash twice = once;
  twice.add(element);
  EXPECT_NE(once, twice);
  EXPECT_NE(twice, MultisetHash());
}

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() { make_store(dir_); }

  std::unique_ptr<Store> open() {
    FixedPassphrase unused;
    Result<std::unique_ptr<Store>> store = open_store(dir_, unused, entropy_);
    EXPECT_TRUE(store) << describe(store.error());
    return store ? *std::move(store) : nullptr;
  }
  static RowId row(std::uint8_t number) { return {RowKind::kKey, Bytes(16, number)}; }
  static Result<void> put(Store& store, const RowId& id, const std::string& text) {
    return store.update([&]() -> Result<std::vector<RowChange>> {
      std::vector<RowChange> changes;
      changes.push_back({id, WipedBytes(as_bytes(text))});
      return changes;
    });
  }
  static Result<void> remove(Store& store, const RowId& id) {
    return store.update([&]() -> Result<std::vector<RowChange>> {
      std::vector<RowChange> changes;
      changes.push_back({id, std::nullopt});
      return changes;
    });
  }
  static std::string text_of(Store& store, const RowId& id) {
    Result<std::optional<WipedBytes>> content = store.read(id);
    EXPECT_TRUE(content) << describe(content.error());
    if (!content || !*content) return "(none)";
    return as_string((*content)->expose());
  }

  TempDir temp_;
  std::string dir_ = temp_ / "kms";
  SystemEntropy entropy_;
};

TEST_F(StoreTest, KeepsRowsOverReopening) {
  {
    auto store = open();
    ASSERT_TRUE(put(*store, row(1), "one"));
    ASSERT_TRUE(put(*store, row(2), "two"));
    ASSERT_TRUE(put(*store, row(1), "uno"));
    ASSERT_TRUE(put(*store, row(3), ""));
    ASSERT_TRUE(remove(*store, row(2)));
    EXPECT_EQ(text_of(*store, row(1)), "uno");
  }
  auto store = open();
  EXPECT_EQ(store->list(), (std::vector<RowId>{row(1), row(3)}));
  EXPECT_EQ(text_of(*store, row(1)), "uno");
  EXPECT_EQ(text_of(*store, row(2)), "(none)");
  EXPECT_EQ(text_of(*store, row(3)), "");
}

TEST_F(StoreTest, HoldsNoRowInClear) {
  auto store = open();
  ASSERT_TRUE(put(*store, row(1), "a plain text that must not be seen"));
  Bytes sealed = raw_blob(dir_, "SELECT sealed FROM record");
  EXPECT_EQ(as_string(sealed).find("plain"), std::string::npos);
}

TEST_F(StoreTest, ChangesAllRowsOfAnUpdateOrNone) {
  auto store = open();
  ASSERT_TRUE(put(*store, row(1), "one"));
  Result<void> refused = store->update([&]() -> Result<std::vector<RowChange>> {
    EXPECT_EQ(text_of(*store, row(1)), "one");
    return make_error(Errc::kKmsLimitExceeded, "no");
  });
  EXPECT_EQ(outcome(refused), "kms-limit-exceeded");
  EXPECT_EQ(text_of(*store, row(1)), "one");
  ASSERT_TRUE(put(*store, row(1), "still writable"));
}

TEST_F(StoreTest, SeesWhatAnotherConnectionCommits) {
  auto first = open();
  auto second = open();
  ASSERT_TRUE(put(*first, row(1), "one"));
  std::uint64_t before = second->refresh().value();
  EXPECT_EQ(text_of(*second, row(1)), "one");
  EXPECT_EQ(second->refresh().value(), before);
  ASSERT_TRUE(put(*second, row(1), "two"));
  ASSERT_TRUE(put(*first, row(2), "three"));
  EXPECT_EQ(text_of(*first, row(1)), "two");
  EXPECT_NE(second->refresh().value(), before);
  EXPECT_EQ(text_of(*second, row(2)), "three");
}

TEST_F(StoreTest, ReportsAWriterThatNeverLetsGo) {
  auto first = open();
  auto second = open();
  Result<void> inner;
  Result<void> outer = first->update([&]() -> Result<std::vector<RowChange>> {
    inner = put(*second, row(1), "x");
    return std::vector<RowChange>{};
  });
  EXPECT_TRUE(outer);
  EXPECT_EQ(outcome(inner), "busy");
  EXPECT_TRUE(put(*second, row(1), "x"));
}

// Random changes through two connections against a map, reopened now and then.
TEST_F(StoreTest, AgreesWithAMap) {
  std::mt19937_64 random(test_seed());
  std::map<RowId, std::string> model;
  std::array<std::unique_ptr<Store>, 2> stores{open(), open()};
  for (int step = 0; step < 300; ++step) {
    auto& store = stores[random() % 2];
    if (random() % 20 == 0) store = open();
    RowId id = row(static_cast<std::uint8_t>(random() % 8));
    if (random() % 4 == 0) {
      ASSERT_TRUE(remove(*store, id));
      model.erase(id);
    } else {
      model[id] = std::string(random() % 300, static_cast<char>('a' + random() % 26));
      ASSERT_TRUE(put(*store, id, model[id]));
    }
    auto& reader = stores[random() % 2];
    ASSERT_TRUE(reader->refresh());
    ASSERT_EQ(reader->list().size(), model.size());
    for (const auto& [key, text] : model) ASSERT_EQ(text_of(*reader, key), text);
  }
}

}  // namespace
}  // namespace enfold
