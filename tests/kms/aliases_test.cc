#include "tests/kms/engine_fixture.h"

namespace enfold {
namespace {

class AliasesTest : public EngineFixture {
 protected:
  AliasesTest() : other_(make_key(*engine_)) {}

  std::vector<std::string> names(const std::optional<std::string>& key = {}) {
    std::vector<std::string> out;
    const auto page = engine_->list_aliases(here_, key, {.limit = 1000}).value();
    for (const AliasEntry& alias : page.aliases)
      if (!alias.target_key_id.empty()) out.push_back(alias.name);
    return out;
  }

  std::string other_;
};

TEST_F(AliasesTest, StandForAKeyInCryptographyAndDescribeKey) {
  ASSERT_TRUE(engine_->create_alias(here_, "alias/a", arn_));
  const std::string arn = "arn:aws:kms:local:000000000000:alias/a";
  for (const std::string& name : {std::string("alias/a"), arn}) {
    EXPECT_EQ(engine_->describe_key(here_, name)->arn, arn_) << name;
    auto wrapped = engine_->encrypt(here_, {name, as_bytes("x"), {}});
    ASSERT_TRUE(wrapped) << describe(wrapped.error());
    EXPECT_EQ(wrapped->key_arn, arn_);
    EXPECT_EQ(engine_->decrypt(here_, {wrapped->ciphertext, name, {}})->key_arn, arn_);
    EXPECT_EQ(engine_->generate_data_key(here_, {name, "AES_256", {}, {}})->key_arn, arn_);
    auto again = engine_->re_encrypt(here_, {wrapped->ciphertext, name, {}, name, {}});
    ASSERT_TRUE(again);
    EXPECT_EQ(again->source_key_arn, arn_);
  }
  ASSERT_TRUE(open()->update_alias(here_, "alias/a", other_)) << "another process does it";
  EXPECT_EQ(engine_->encrypt(here_, {"alias/a", as_bytes("x"), {}})->key_arn, other_);
  EXPECT_EQ(said(engine_->encrypt(here_, {"alias/b", as_bytes("x"), {}})),
            "Alias arn:aws:kms:local:000000000000:alias/b is not found.");
  EXPECT_EQ(said(engine_->describe_key(CallScope{"eu", here_.account}, "alias/a")),
            "Alias arn:aws:kms:eu:000000000000:alias/a is not found.");
  EXPECT_EQ(said(engine_->describe_key(CallScope{"eu", here_.account}, arn)), "Invalid arn local");
  EXPECT_EQ(outcome(engine_->describe_key(CallScope{"local", "111111111111"}, arn)), "kms-access-denied");
  EXPECT_EQ(outcome(engine_->describe_key(CallScope{"local", "111111111111"}, arn + "x")),
            "kms-access-denied");
}

TEST_F(AliasesTest, StandForNoKeyInManagement) {
  ASSERT_TRUE(engine_->create_alias(here_, "alias/a", arn_));
  const std::string alias_arn = "arn:aws:kms:local:000000000000:alias/a";
  const std::string no_aliases = "Key Aliases are not supported for this operation";
  for (const auto& [name, refusal] :
       {std::pair<std::string, std::string>("alias/a", "Invalid keyId 'alias/a'"), {alias_arn, no_aliases}}) {
    EXPECT_EQ(said(engine_->disable_key(here_, name)), refusal);
    EXPECT_EQ(said(engine_->enable_key(here_, name)), refusal);
    EXPECT_EQ(said(engine_->update_key_description(here_, name, "")), refusal);
    EXPECT_EQ(said(engine_->tag_resource(here_, name, {})), refusal);
    EXPECT_EQ(said(engine_->list_resource_tags(here_, name, {})), refusal);
    EXPECT_EQ(said(engine_->enable_key_rotation(here_, name, {})), refusal);
    EXPECT_EQ(said(engine_->get_key_rotation_status(here_, name)), refusal);
    EXPECT_EQ(said(engine_->rotate_key_on_demand(here_, name)), refusal);
    EXPECT_EQ(said(engine_->schedule_key_deletion(here_, name, {})), refusal);
    EXPECT_EQ(said(engine_->list_aliases(here_, name, {})), refusal);
    EXPECT_EQ(said(engine_->create_alias(here_, "alias/b", name)), "Invalid keyId '" + name + "'");
  }
}

TEST_F(AliasesTest, AreMadeOnceMovedAndDeleted) {
  clock_.now_ms = 1000;
  ASSERT_TRUE(engine_->create_alias(here_, "alias/a", id()));
  EXPECT_EQ(said(engine_->create_alias(here_, "alias/a", other_)),
            "An alias with the name arn:aws:kms:local:000000000000:alias/a already exists");
  EXPECT_EQ(outcome(engine_->create_alias(here_, "alias/a", other_)), "kms-already-exists");
  clock_.now_ms = 2000;
  ASSERT_TRUE(engine_->update_alias(here_, "alias/a", other_));
  engine_ = open();
  EXPECT_TRUE(names(arn_).empty());
  const AliasEntry alias = engine_->list_aliases(here_, other_, {})->aliases.front();
  EXPECT_EQ(alias.name, "alias/a");
  EXPECT_EQ(alias.arn, "arn:aws:kms:local:000000000000:alias/a");
  EXPECT_EQ(alias.target_key_id, other_.substr(other_.rfind('/') + 1));
  EXPECT_EQ(alias.creation_unix_ms, 1000);
  EXPECT_EQ(alias.last_updated_unix_ms, 2000);
  ASSERT_TRUE(engine_->delete_alias(here_, "alias/a"));
  const std::string gone = "Alias arn:aws:kms:local:000000000000:alias/a is not found.";
  EXPECT_EQ(said(engine_->delete_alias(here_, "alias/a")), gone);
  EXPECT_EQ(said(engine_->update_alias(here_, "alias/a", arn_)), gone);
  EXPECT_EQ(said(engine_->encrypt(here_, {"alias/a", as_bytes("x"), {}})), gone);
}

TEST_F(AliasesTest, HaveAwsNames) {
  const std::string prefix =
      "Alias must start with the prefix \"alias/\". Please see "
      "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html";
  for (const char* name : {"a", "alias", "alias/", "Alias/a"})
    EXPECT_EQ(said(engine_->create_alias(here_, name, arn_)), prefix) << name;
  EXPECT_EQ(
      said(engine_->create_alias(here_, "alias/a.b", "")),
      "2 validation errors detected: Value 'alias/a.b' at 'aliasName' failed to satisfy constraint: Member "
      "must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$; Value '' at 'targetKeyId' failed to "
      "satisfy constraint: Member must have length greater than or equal to 1");
  EXPECT_EQ(outcome(engine_->create_alias(here_, "alias/" + std::string(251, 'a'), arn_)), "kms-validation");
  EXPECT_TRUE(engine_->create_alias(here_, "alias/" + std::string(250, 'a'), arn_));
  EXPECT_EQ(outcome(engine_->create_alias(here_, "alias/a:b", arn_)), "kms-validation");
  for (const char* name : {"alias/aws/", "alias/aws/ebs", "alias/aws/mine"}) {
    EXPECT_EQ(outcome(engine_->create_alias(here_, name, arn_)), "kms-invalid-alias-name") << name;
    EXPECT_EQ(outcome(engine_->update_alias(here_, name, arn_)), "kms-invalid-alias-name") << name;
    EXPECT_EQ(outcome(engine_->delete_alias(here_, name)), "kms-invalid-alias-name") << name;
  }
  EXPECT_TRUE(engine_->create_alias(here_, "alias/aws", arn_));
  EXPECT_TRUE(engine_->create_alias(here_, "alias/Team_1/-x", arn_));
}

TEST_F(AliasesTest, BelongToTheRegionAndAccountOfTheirKey) {
  const KmsCaller there = CallScope{"eu-west-1", here_.account};
  ASSERT_TRUE(engine_->create_alias(here_, "alias/a", arn_));
  EXPECT_EQ(said(engine_->create_alias(there, "alias/a", arn_)), "Invalid arn local");
  EXPECT_EQ(outcome(engine_->create_alias(there, "alias/a", id())), "kms-not-found");
  const std::string key_there = engine_->create_key(there, {})->arn;
  EXPECT_TRUE(engine_->create_alias(there, "alias/a", key_there)) << "the name is free in each region";
  EXPECT_EQ(said(engine_->update_alias(here_, "alias/a", key_there)), "Invalid arn eu-west-1");
  EXPECT_EQ(outcome(engine_->create_alias(CallScope{"local", "111111111111"}, "alias/b", arn_)),
            "kms-access-denied");
  EXPECT_EQ(names(), std::vector<std::string>{"alias/a"});
}

TEST_F(AliasesTest, AreAtMostFiftyOfOneKey) {
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(engine_->create_alias(here_, "alias/" + std::to_string(i), arn_)) << i;
  EXPECT_EQ(outcome(engine_->create_alias(here_, "alias/more", arn_)), "kms-limit-exceeded");
  ASSERT_TRUE(engine_->create_alias(here_, "alias/more", other_));
  EXPECT_EQ(outcome(engine_->update_alias(here_, "alias/more", arn_)), "kms-limit-exceeded");
  EXPECT_TRUE(engine_->update_alias(here_, "alias/7", arn_)) << "where it is already";
  ASSERT_TRUE(engine_->update_alias(here_, "alias/7", other_));
  EXPECT_TRUE(engine_->create_alias(here_, "alias/last", arn_));
}

TEST_F(AliasesTest, ArePagedWhileSomeGo) {
  for (const char* name : {"alias/a", "alias/b", "alias/c", "alias/d", "alias/z"})
    ASSERT_TRUE(engine_->create_alias(here_, name, arn_));
  auto first = engine_->list_aliases(here_, arn_, {.limit = 2}).value();
  ASSERT_TRUE(first.truncated);
  ASSERT_TRUE(engine_->delete_alias(here_, "alias/b"));
  ASSERT_TRUE(engine_->delete_alias(here_, "alias/c"));
  auto second = engine_->list_aliases(here_, arn_, {.limit = {}, .marker = first.next_marker}).value();
  ASSERT_EQ(second.aliases.size(), 2U);
  EXPECT_EQ(second.aliases.front().name, "alias/d");
  EXPECT_FALSE(second.truncated);

  std::vector<std::string> seen;
  PageRequest page{.limit = 3};
  for (bool more = true; more;) {
    auto answer = engine_->list_aliases(here_, {}, page).value();
    EXPECT_LE(answer.aliases.size(), 3U);
    for (const AliasEntry& alias : answer.aliases) seen.push_back(alias.name);
    more = answer.truncated;
    page.marker = answer.next_marker;
  }
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
  EXPECT_GT(seen.size(), 15U) << "with those of AWS";
  EXPECT_EQ(seen.back(), "alias/z");
  EXPECT_EQ(outcome(engine_->list_aliases(here_, {}, {.limit = 1001})), "kms-validation");
  EXPECT_EQ(outcome(engine_->list_aliases(here_, {}, {.limit = {}, .marker = "x"})), "kms-invalid-marker");
}

}  // namespace
}  // namespace enfold
