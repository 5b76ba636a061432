#include "kms/engine/key_row.h"

#include "kms/engine/alias_row.h"
#include "kms/engine/principal_row.h"
#include "kms/store/store.h"
#include "tests/kms/engine_fixture.h"

namespace enfold {
namespace {

const std::string kId = "00112233-4455-4677-8899-aabbccddeeff";

// kms/FORMAT.md, "Key row", by hand.
std::string text_hex(const std::string& text) {
  std::array<std::uint8_t, 2> size{};
  ByteWriter(size).u16(static_cast<std::uint16_t>(text.size()));
  return to_hex(size) + to_hex(as_bytes(text));
}
std::string repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}
Bytes from(const std::string& hex) { return vector_bytes(hex); }

const std::string kNames =
    "d204000000000000" + text_hex("local") + text_hex("000000000000") + text_hex("why");

Bytes old_row() {
  return from("0102" + kNames + "0200" + repeat("a1", 32) + "d204000000000000" + repeat("b1", 32) +
              repeat("a2", 32) + "2a09000000000000" + repeat("b2", 32));
}

std::string new_row_head() {
  return "0203" + kNames + "02" + text_hex("ebs") + "1027000000000000" + "6d01" + "204e000000000000" + "02" +
         text_hex("a") + text_hex("1") + text_hex("b") + text_hex("");
}
Bytes new_row() {
  return from(new_row_head() + "0200" + repeat("a1", 32) + "d204000000000000" + "01" + repeat("b1", 32) +
              repeat("a2", 32) + "2a09000000000000" + "03" + repeat("b2", 32));
}

KeyId key_id() { return parse_uuid(kId).value(); }

TEST(KeyRow, OfVersion1IsACustomersAndWasRotatedOnDemand) {
  Key key = decode_key(key_id(), old_row()).value();
  EXPECT_EQ(key.state, KeyState::kDisabled);
  EXPECT_EQ(key.creation_unix_ms, 1234);
  EXPECT_EQ(key.arn, "arn:aws:kms:local:000000000000:key/" + kId);
  EXPECT_EQ(key.description, "why");
  EXPECT_EQ(key.manager, KeyManager::kCustomer);
  EXPECT_FALSE(key.rotation);
  EXPECT_FALSE(key.deletion_unix_ms);
  EXPECT_TRUE(key.tags.empty());
  ASSERT_EQ(key.materials.size(), 2U);
  EXPECT_EQ(key.materials[0].source, MaterialSource::kCreated);
  EXPECT_EQ(key.materials[1].source, MaterialSource::kOnDemand);
  EXPECT_EQ(key.materials[1].creation_unix_ms, 2346);
  EXPECT_EQ(to_hex(key.materials[1].material.expose()), repeat("b2", 32));
}

TEST(KeyRow, OfVersion2HoldsAllOfAKey) {
  Key key = decode_key(key_id(), new_row()).value();
  EXPECT_EQ(key.state, KeyState::kPendingDeletion);
  EXPECT_EQ(key.manager, KeyManager::kAws);
  EXPECT_EQ(key.service, "ebs");
  EXPECT_EQ(key.deletion_unix_ms, 10000);
  EXPECT_EQ(key.rotation->period_days, 365);
  EXPECT_EQ(key.rotation->next_unix_ms, 20000);
  EXPECT_EQ(key.tags, (std::vector<Tag>{{"a", "1"}, {"b", ""}}));
  EXPECT_EQ(key.materials[1].source, MaterialSource::kScheduled);
  EXPECT_EQ(to_hex(encode_key(key).expose()), to_hex(new_row()));
}

TEST(KeyRow, RefusesWhatNoProgramOfOursWrote) {
  const Bytes whole = new_row();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(outcome(decode_key(key_id(), ByteSpan(whole).first(size))), "store-tampered") << size;
  Bytes longer = whole;
  longer.push_back(0);
  auto refused = decode_key(key_id(), longer);
  EXPECT_EQ(outcome(refused), "store-tampered");
  EXPECT_EQ(refused.error().message, "A row of the KMS store is malformed: key " + kId);
  for (const auto& [at, value] : std::vector<std::pair<std::size_t, std::uint8_t>>{
           {1, 0},      // state
           {1, 4},      //
           {1, 1},      // a deletion date without a deletion
           {36, 3},     // manager
           {36, 1},     // a customer's with a service
           {51, 0xff},  // a rotation of 65,389 days
       }) {
    Bytes edited = whole;
    edited[at] = value;
    EXPECT_EQ(outcome(decode_key(key_id(), edited)), "store-tampered") << at << "=" << int{value};
  }
  Bytes undone = whole;  // no rotation, but its date
  undone[50] = undone[51] = 0;
  EXPECT_EQ(outcome(decode_key(key_id(), undone)), "store-tampered");
  Bytes unordered = whole;
  unordered[new_row_head().size() / 2 - 3] = 'a';
  EXPECT_EQ(outcome(decode_key(key_id(), unordered)), "store-tampered");
}

TEST(KeyRow, NamesANewerVersion) {
  Bytes row = new_row();
  row[0] = 3;
  auto refused = decode_key(key_id(), row);
  EXPECT_EQ(outcome(refused), "unsupported");
  EXPECT_NE(refused.error().message.find("version 3"), std::string::npos);
  EXPECT_NE(refused.error().message.find(kId), std::string::npos);
}

TEST(AliasRow, HoldsTargetAndDates) {
  const RowId row = alias_row({"eu-west-1", "123456789012"}, "alias/a/b");
  Alias alias =
      decode_alias(row, from("01" + to_hex(key_id()) + "d204000000000000" + "2a09000000000000")).value();
  EXPECT_EQ(alias.scope, (CallScope{"eu-west-1", "123456789012"}));
  EXPECT_EQ(entry_of(alias).arn, "arn:aws:kms:eu-west-1:123456789012:alias/a/b");
  EXPECT_EQ(entry_of(alias).target_key_id, kId);
  EXPECT_EQ(alias.creation_unix_ms, 1234);
  EXPECT_EQ(alias.last_updated_unix_ms, 2346);
  EXPECT_EQ(name_of(row), "alias arn:aws:kms:eu-west-1:123456789012:alias/a/b");
  EXPECT_EQ(outcome(decode_alias(row, from("01"))), "store-tampered");
  EXPECT_EQ(outcome(decode_alias(row, from("02"))), "unsupported");
  EXPECT_EQ(outcome(decode_alias({RowKind::kAlias, Bytes(16, 'x')}, encode_alias(alias).expose())),
            "store-tampered");
}

TEST(PrincipalRow, HoldsUnixIdsAndAccessKeys) {
  const RowId row = principal_row("123456789012", "bob");
  const std::string head =
      "01d2040000000000000200"
      "e8030000"
      "e9030000";
  const Bytes content = from(head + "01" + to_hex(as_bytes("AKIAABCDEFGHIJKLMNOP")) + "2a09000000000000" +
                             to_hex(as_bytes(std::string(40, 's'))));
  Principal bob = decode_principal(row, content).value();
  EXPECT_EQ(info_of(bob).arn, "arn:aws:iam::123456789012:user/bob");
  EXPECT_EQ(bob.unix_ids, (std::vector<std::uint32_t>{1000, 1001}));
  EXPECT_EQ(bob.access_keys.front().id, "AKIAABCDEFGHIJKLMNOP");
  EXPECT_EQ(bob.access_keys.front().creation_unix_ms, 2346);
  EXPECT_EQ(as_string(bob.access_keys.front().secret.expose()), std::string(40, 's'));
  EXPECT_EQ(to_hex(encode_principal(bob).expose()), to_hex(content));
  EXPECT_EQ(outcome(decode_principal(row, from(head))), "store-tampered");
  EXPECT_EQ(outcome(decode_principal(row, from("01d2040000000000000200"
                                               "e8030000"
                                               "e8030000"
                                               "00"))),
            "store-tampered");
  EXPECT_EQ(name_of(row), "principal arn:aws:iam::123456789012:user/bob");
}

// As a store looks that an earlier program wrote and this one goes on with.
TEST_F(EngineFixture, GoesOnWithAKeyOfVersion1) {
  FixedPassphrase unused;
  const std::string arn = "arn:aws:kms:local:000000000000:key/" + kId;
  auto store = open_store(dir_, unused, entropy_).value();
  auto put = [&]() -> Result<std::vector<RowChange>> {
    std::vector<RowChange> changes;
    changes.push_back({key_row(key_id()), WipedBytes(old_row())});
    return changes;
  };
  ASSERT_TRUE(store->update(put));
  EXPECT_EQ(engine_->describe_key(here_, arn)->state, KeyState::kDisabled);
  ASSERT_TRUE(engine_->enable_key(here_, arn));
  ASSERT_TRUE(engine_->rotate_key_on_demand(here_, arn));
  const KeyMetadata key = open()->describe_key(here_, kId).value();
  EXPECT_EQ(key.all_material_ids.size(), 3U);
  EXPECT_EQ(key.all_material_ids.front(), repeat("a1", 32));
  EXPECT_EQ(key.description, "why");
}

}  // namespace
}  // namespace enfold
