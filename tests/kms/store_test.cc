#include "kms/store/store.h"

#include <sys/stat.h>

#include <fstream>
#include <random>

#include "kms/crypto/sealed_box.h"
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

TEST_F(StoreTest, ListsOneKindAndSaysWhenItMayHaveChanged) {
  const RowId alias{RowKind::kAlias, Bytes(3, 'a')};
  const RowId principal{RowKind::kPrincipal, Bytes(3, 'p')};
  auto store = open();
  ASSERT_TRUE(put(*store, row(2), "two"));
  ASSERT_TRUE(put(*store, row(1), "one"));
  ASSERT_TRUE(put(*store, alias, "alias"));
  const auto keys = store->version_of(RowKind::kKey);
  const auto aliases = store->version_of(RowKind::kAlias);
  const auto listed = store->list(RowKind::kKey);
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0].id, row(1));
  EXPECT_EQ(store->list(RowKind::kAlias).size(), 1U);
  EXPECT_TRUE(store->list(RowKind::kPrincipal).empty());

  ASSERT_TRUE(put(*open(), principal, "p"));
  ASSERT_TRUE(store->refresh());
  EXPECT_EQ(store->version_of(RowKind::kKey), keys);
  ASSERT_TRUE(put(*open(), row(1), "one"));
  ASSERT_TRUE(store->refresh());
  EXPECT_NE(store->version_of(RowKind::kKey), keys);
  EXPECT_EQ(store->version_of(RowKind::kAlias), aliases);
  const auto again = store->list(RowKind::kKey);
  EXPECT_NE(again[0].stamp, listed[0].stamp) << "sealed anew";
  EXPECT_EQ(again[1].stamp, listed[1].stamp);
}

// A store of version 1: its root row has no checksums that name a row. The first change makes it version 2.
TEST_F(StoreTest, GoesOnWithAStoreOfVersion1) {
  const std::string dir = temp_ / "old";
  const std::string path = dir + "/kms.db";
  ASSERT_EQ(::mkdir(dir.c_str(), 0700), 0);
  const auto key = random_secret<RootKey>(entropy_);
  std::ofstream(path).close();
  ASSERT_TRUE(Store::initialise(path, key, entropy_));
  const RowSeal seal(key.copy(), entropy_);
  const Bytes sealed = seal.seal(row(1), as_bytes("one"));
  MultisetHash hash;
  hash.add(seal.element(row(1), sealed));
  std::array<std::uint8_t, 48> content{};
  ByteWriter writer(content);
  writer.u64(7);
  writer.u64(1);
  writer.bytes(hash.value());
  Bytes root;
  append_box(Label::kKmsStoreRoot, key.expose(), as_bytes("enfold kms store, format 1"), content, entropy_,
             root);
  raw_sql(dir, "INSERT INTO record VALUES(1, x'" + to_hex(row(1).id) + "', x'" + to_hex(sealed) +
                   "'); UPDATE root SET sealed=x'" + to_hex(root) + "'; PRAGMA user_version=1");
  auto store = Store::open(path, key.copy(), entropy_);
  ASSERT_TRUE(store) << describe(store.error());
  EXPECT_EQ(text_of(**store, row(1)), "one");
  ASSERT_TRUE(put(**store, row(2), "two"));
  EXPECT_EQ(raw_blob(dir, "SELECT sealed FROM root").size(), 44U + 64U);
  EXPECT_EQ(as_string(raw_blob(dir, "SELECT CAST(user_version AS BLOB) FROM pragma_user_version")), "2");
  auto again = Store::open(path, key.copy(), entropy_);
  ASSERT_TRUE(again) << describe(again.error());
  EXPECT_EQ(text_of(**again, row(1)), "one");
}

}  // namespace
}  // namespace enfold
