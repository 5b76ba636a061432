// Somebody with the database file and SQLite, but not the root key.
#include <fstream>
#include <functional>

#include "kms/store/store_admin.h"
#include "tests/kms/support.h"

namespace enfold {
namespace {

std::string open_outcome(const std::string& dir) {
  FixedPassphrase unused;
  return outcome(open_embedded_engine(dir, unused));
}

std::string hex_literal(const Bytes& bytes) { return "x'" + to_hex(bytes) + "'"; }

std::string open_message(const std::string& dir) {
  FixedPassphrase unused;
  auto engine = open_embedded_engine(dir, unused);
  return engine ? "ok" : engine.error().message;
}

// Two keys, one of them changed once since `old_row` and `old_root` were read.
class Tampered : public ::testing::Test {
 protected:
  Tampered() {
    make_store(dir_);
    auto engine = open_engine(dir_);
    arn_ = make_key(*engine);
    other_ = make_key(*engine);
    where_ = " WHERE id=x'" + id_hex(arn_) + "'";
    old_row_ = raw_blob(dir_, "SELECT sealed FROM record" + where_);
    old_root_ = raw_blob(dir_, "SELECT sealed FROM root");
    EXPECT_TRUE(engine->disable_key(local_scope(), arn_));
  }

  static std::string id_hex(const std::string& arn) {
    std::string hex;
    for (char c : arn.substr(arn.rfind('/') + 1))
      if (c != '-') hex += c;
    return hex;
  }

  // The change is noticed by an engine that was open, and by one opened afterwards.
  void expect_noticed(const std::string& sql) {
    SCOPED_TRACE(sql);
    auto engine = open_engine(dir_);
    ASSERT_TRUE(engine->describe_key(local_scope(), other_));
    raw_sql(dir_, sql);
    EXPECT_EQ(outcome(engine->describe_key(local_scope(), other_)), "store-tampered");
    EXPECT_EQ(outcome(engine->create_key(local_scope(), {})), "store-tampered");
    engine.reset();
    EXPECT_EQ(open_outcome(dir_), "store-tampered");
  }

  TempDir temp_;
  std::string dir_ = temp_ / "kms";
  std::string arn_;
  std::string other_;
  std::string where_;
  Bytes old_row_;
  Bytes old_root_;
};

TEST_F(Tampered, EachByteOfARowIsWatched) {
  Bytes row = raw_blob(dir_, "SELECT sealed FROM record" + where_);
  for (std::size_t i = 0; i < row.size(); ++i) {
    Bytes edited = row;
    edited[i] ^= 1;
    raw_sql(dir_, "UPDATE record SET sealed=" + hex_literal(edited) + where_);
    EXPECT_EQ(open_outcome(dir_), "store-tampered") << "byte " << i;
  }
  raw_sql(dir_, "UPDATE record SET sealed=" + hex_literal(row) + where_);
  EXPECT_EQ(open_outcome(dir_), "ok");
}

TEST_F(Tampered, EachByteOfTheRootRowIsWatched) {
  Bytes root = raw_blob(dir_, "SELECT sealed FROM root");
  for (std::size_t i = 0; i < root.size(); ++i) {
    Bytes edited = root;
    edited[i] ^= 1;
    raw_sql(dir_, "UPDATE root SET sealed=" + hex_literal(edited));
    EXPECT_EQ(open_outcome(dir_), "store-tampered") << "byte " << i;
  }
}

TEST_F(Tampered, ExchangedRowsAreNoticed) {
  expect_noticed("UPDATE record SET sealed=(SELECT r.sealed FROM record r WHERE r.id<>record.id)");
}

TEST_F(Tampered, AnAddedRowIsNoticed) {
  expect_noticed("INSERT INTO record SELECT kind, zeroblob(16), sealed FROM record LIMIT 1");
}

TEST_F(Tampered, ARowOfAnotherKindIsNoticed) { expect_noticed("UPDATE record SET kind=2" + where_); }

TEST_F(Tampered, ARowUnderAnotherIdIsNoticed) {
  expect_noticed("UPDATE record SET id=zeroblob(16)" + where_);
}

TEST_F(Tampered, ARemovedRowIsNoticed) { expect_noticed("DELETE FROM record" + where_); }

TEST_F(Tampered, ARowThatWentBackIsNoticed) {
  expect_noticed("UPDATE record SET sealed=" + hex_literal(old_row_) + where_);
}

TEST_F(Tampered, ARootRowThatWentBackIsNoticed) {
  expect_noticed("UPDATE root SET sealed=" + hex_literal(old_root_));
}

TEST_F(Tampered, AMissingRootRowIsNoticed) { expect_noticed("DELETE FROM root"); }

TEST_F(Tampered, ATriggerIsNoticed) {
  expect_noticed("CREATE TRIGGER t AFTER UPDATE ON record BEGIN DELETE FROM record; END");
}

TEST_F(Tampered, AViewInPlaceOfTheTableIsNoticed) {
  expect_noticed("ALTER TABLE record RENAME TO real_record; CREATE VIEW record AS SELECT * FROM real_record");
}

// What format 1 does not notice at open (kms/FORMAT.md). A process that has the store open does.
TEST_F(Tampered, AWholeStoreThatWentBackIsNoticedOnlyByWhoSawTheNewer) {
  auto engine = open_engine(dir_);
  raw_sql(dir_, "BEGIN; UPDATE record SET sealed=" + hex_literal(old_row_) + where_ +
                    "; UPDATE root SET sealed=" + hex_literal(old_root_) + "; COMMIT");
  EXPECT_EQ(outcome(engine->describe_key(local_scope(), arn_)), "store-tampered");
  engine.reset();
  engine = open_engine(dir_);
  ASSERT_NE(engine, nullptr);
  EXPECT_EQ(engine->describe_key(local_scope(), arn_)->state, KeyState::kEnabled);
}

TEST_F(Tampered, AnotherStoresRootKeyIsTheWrongKey) {
  make_store(temp_ / "other");
  std::ofstream(dir_ + "/root.key", std::ios::binary) << std::ifstream(temp_ / "other/root.key").rdbuf();
  EXPECT_EQ(open_outcome(dir_), "wrong-root-key");
}

TEST_F(Tampered, AnEditedKeyCheckIsTheWrongKey) {
  raw_sql(dir_, "UPDATE root SET key_check=zeroblob(32)");
  EXPECT_EQ(open_outcome(dir_), "wrong-root-key");
}

TEST_F(Tampered, ANewerVersionIsNamed) {
  raw_sql(dir_, "PRAGMA user_version=3");
  EXPECT_EQ(open_outcome(dir_), "unsupported");
}

TEST_F(Tampered, SomethingThatIsNoDatabaseIsRefused) {
  std::ofstream(dir_ + "/kms.db", std::ios::binary | std::ios::trunc) << std::string(8192, 'x');
  EXPECT_EQ(open_outcome(dir_), "store-tampered");
  std::ofstream(dir_ + "/kms.db", std::ios::binary | std::ios::trunc).close();
  EXPECT_EQ(open_outcome(dir_), "store-tampered");
}

// One row of each kind, with its older version, and what a message is to call it.
struct Victim {
  std::string where;
  std::string name;
  Bytes old_row;
};

class NamedRows : public ::testing::Test {
 protected:
  NamedRows() {
    make_store(dir_);
    auto engine = open_engine(dir_);
    const std::string arn = make_key(*engine);
    const std::string other = make_key(*engine);
    const std::string id = arn.substr(arn.rfind('/') + 1);
    EXPECT_TRUE(engine->create_alias(local_scope(), "alias/a", arn));
    EXPECT_TRUE(engine->create_alias(local_scope(), "alias/b", arn));
    for (const char* name : {"bob", "eve"}) EXPECT_TRUE(engine->add_principal({"123456789012", name, {}}));
    std::string hex = id;
    std::erase(hex, '-');
    add("id=x'" + hex + "'", "key " + id);
    add("id=CAST('local:000000000000:alias/a' AS BLOB)", "alias arn:aws:kms:local:000000000000:alias/a");
    add("id=CAST('123456789012:user/bob' AS BLOB)", "principal arn:aws:iam::123456789012:user/bob");
    EXPECT_TRUE(engine->disable_key(local_scope(), arn));
    EXPECT_TRUE(engine->update_alias(local_scope(), "alias/a", other));
    EXPECT_TRUE(engine->create_access_key("123456789012", "bob"));
  }
  void add(const std::string& where, const std::string& name) {
    victims_.push_back({" WHERE " + where, name, raw_blob(dir_, "SELECT sealed FROM record WHERE " + where)});
  }

  // Both to an engine that was open and to one that opens: the row, and nothing of the others.
  void expect_named(const Victim& victim, const std::string& sql) {
    SCOPED_TRACE(sql);
    auto engine = open_engine(dir_);
    const Bytes before = raw_blob(dir_, "SELECT sealed FROM record" + victim.where);
    raw_sql(dir_, sql);
    const std::string while_open = engine->list_principals().error().message;
    engine.reset();
    for (const std::string& message : {while_open, open_message(dir_)}) {
      for (const Victim& other : victims_) {
        const bool named = message.find(other.name) != std::string::npos;
        EXPECT_EQ(named, other.name == victim.name) << message;
      }
    }
    raw_sql(dir_, "UPDATE record SET sealed=" + hex_literal(before) + victim.where);
    EXPECT_EQ(open_message(dir_), "ok");
  }

  TempDir temp_;
  std::string dir_ = temp_ / "kms";
  std::vector<Victim> victims_;
};

TEST_F(NamedRows, WhenTheyAreEdited) {
  for (const Victim& victim : victims_)
    expect_named(victim, "UPDATE record SET sealed=zeroblob(length(sealed))" + victim.where);
}

TEST_F(NamedRows, WhenTheyAreExchangedForAnother) {
  for (const Victim& victim : victims_)
    expect_named(victim,
                 "UPDATE record SET sealed=(SELECT r.sealed FROM record r WHERE r.kind=record.kind AND "
                 "r.id<>record.id)" +
                     victim.where);
}

TEST_F(NamedRows, WhenTheyGoBack) {
  for (const Victim& victim : victims_)
    expect_named(victim, "UPDATE record SET sealed=" + hex_literal(victim.old_row) + victim.where);
}

TEST_F(NamedRows, AllOfThemWhenSeveralAreEdited) {
  raw_sql(dir_, "UPDATE record SET sealed=zeroblob(length(sealed)) WHERE kind=2");
  const std::string message = open_message(dir_);
  for (const char* name : {"alias/a", "alias/b"}) EXPECT_NE(message.find(name), std::string::npos) << message;
  raw_sql(dir_, "UPDATE record SET sealed=zeroblob(length(sealed))");
  EXPECT_NE(open_message(dir_).find(" and 1 more do not open"), std::string::npos) << open_message(dir_);
}

TEST_F(NamedRows, AsFarAsThatCanBeTold) {
  auto engine = open_engine(dir_);
  raw_sql(dir_, "DELETE FROM record" + victims_[1].where);
  EXPECT_NE(engine->list_principals().error().message.find("alias/a"), std::string::npos);
  engine.reset();
  EXPECT_NE(open_message(dir_).find("a row was removed; which one cannot be told"), std::string::npos);
}

TEST_F(NamedRows, WithoutWhatIsNotPrintable) {
  raw_sql(dir_, "UPDATE record SET id=x'0a1b5b33316d41ff'" + victims_[1].where);
  const std::string message = open_message(dir_);
  EXPECT_NE(message.find("alias arn:aws:kms:??[31mA?"), std::string::npos) << message;
}

}  // namespace
}  // namespace enfold
