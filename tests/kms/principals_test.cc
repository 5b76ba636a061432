#include <regex>

#include "tests/kms/engine_fixture.h"

namespace enfold {
namespace {

class PrincipalsTest : public EngineFixture {
 protected:
  const std::string account_ = "123456789012";

  Result<PrincipalInfo> add(const std::string& name, std::vector<std::uint32_t> unix_ids = {}) {
    return engine_->add_principal({account_, name, std::move(unix_ids)});
  }
  std::string secret_of(const std::string& access_key_id) {
    auto known = engine_->find_access_key(access_key_id);
    EXPECT_TRUE(known) << describe(known.error());
    return known && *known ? as_string((*known)->secret.expose()) : "(none)";
  }
};

TEST_F(PrincipalsTest, AreListedAsTheyWereAdded) {
  clock_.now_ms = 1234;
  PrincipalInfo made = add("bob", {1001, 1000, 1001}).value();
  EXPECT_EQ(made.arn, "arn:aws:iam::123456789012:user/bob");
  ASSERT_TRUE(add("alice"));
  ASSERT_TRUE(engine_->add_principal({"000000000000", "zoe", {}}));
  const auto other = open();
  for (Engine* engine : {engine_.get(), other.get()}) {
    auto all = engine->list_principals().value();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].arn, "arn:aws:iam::000000000000:user/zoe");
    EXPECT_EQ(all[1].name, "alice");
    EXPECT_EQ(all[2].name, "bob");
    EXPECT_EQ(all[2].account, account_);
    EXPECT_EQ(all[2].creation_unix_ms, 1234);
    EXPECT_EQ(all[2].unix_ids, (std::vector<std::uint32_t>{1000, 1001}));
    EXPECT_TRUE(all[2].access_keys.empty());
  }
}

TEST_F(PrincipalsTest, AreFoundByTheirUnixIdsUntilTheyAreRemoved) {
  ASSERT_TRUE(add("bob", {0, 1000}));
  auto other = open();
  EXPECT_EQ(engine_->find_unix_user(1000).value()->name, "bob");
  EXPECT_EQ(other->find_unix_user(0).value()->name, "bob");
  EXPECT_FALSE(engine_->find_unix_user(1001).value());
  ASSERT_TRUE(other->remove_principal(account_, "bob"));
  EXPECT_FALSE(engine_->find_unix_user(1000).value());
  EXPECT_EQ(outcome(engine_->remove_principal(account_, "bob")), "kms-not-found");
}

TEST_F(PrincipalsTest, ShareNeitherNameNorUnixId) {
  ASSERT_TRUE(add("bob", {1000}));
  EXPECT_EQ(outcome(add("bob")), "kms-already-exists");
  EXPECT_EQ(said(add("alice", {7, 1000})),
            "Unix user 1000 belongs to arn:aws:iam::123456789012:user/bob already");
  ASSERT_TRUE(engine_->add_principal({"000000000000", "bob", {1001}})) << "another account";
  EXPECT_EQ(engine_->list_principals()->size(), 2U);
}

TEST_F(PrincipalsTest, HaveAccessKeysThatLookLikeAwsS) {
  ASSERT_TRUE(add("bob"));
  NewAccessKey first = engine_->create_access_key(account_, "bob").value();
  EXPECT_TRUE(std::regex_match(first.id, std::regex("AKIA[A-Z2-7]{16}"))) << first.id;
  EXPECT_TRUE(std::regex_match(as_string(first.secret.expose()), std::regex("[A-Za-z0-9+/]{40}")));
  NewAccessKey second = engine_->create_access_key(account_, "bob").value();
  EXPECT_EQ(outcome(engine_->create_access_key(account_, "bob")), "kms-limit-exceeded");
  EXPECT_EQ(outcome(engine_->create_access_key(account_, "alice")), "kms-not-found");
  EXPECT_EQ(engine_->list_principals()->front().access_keys, (std::vector{first.id, second.id}));

  EXPECT_EQ(secret_of(first.id), as_string(first.secret.expose()));
  engine_ = open();
  EXPECT_EQ(secret_of(second.id), as_string(second.secret.expose()));
  auto known = engine_->find_access_key(first.id).value();
  EXPECT_EQ(known->account, account_);
  EXPECT_EQ(known->principal, "arn:aws:iam::123456789012:user/bob");
  EXPECT_EQ(secret_of("AKIAAAAAAAAAAAAAAAAA"), "(none)");
}

TEST_F(PrincipalsTest, LoseAnAccessKeyAtOnceWhenAnotherProcessDeletesIt) {
  ASSERT_TRUE(add("bob"));
  NewAccessKey first = engine_->create_access_key(account_, "bob").value();
  NewAccessKey second = engine_->create_access_key(account_, "bob").value();
  ASSERT_TRUE(open()->delete_access_key(first.id));
  EXPECT_EQ(secret_of(first.id), "(none)");
  EXPECT_EQ(secret_of(second.id), as_string(second.secret.expose()));
  EXPECT_EQ(outcome(engine_->delete_access_key(first.id)), "kms-not-found");
  EXPECT_TRUE(engine_->create_access_key(account_, "bob")) << "there is room for one again";
  ASSERT_TRUE(engine_->remove_principal(account_, "bob"));
  EXPECT_EQ(secret_of(second.id), "(none)");
}

TEST_F(PrincipalsTest, AreValidated) {
  EXPECT_EQ(said(engine_->add_principal({"12345678901", "", {}})),
            "2 validation errors detected: Value '12345678901' at 'account' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: ^\\d{12}$; Value '' at 'name' failed to satisfy "
            "constraint: Member must have length greater than or equal to 1");
  for (const char* name : {"a b", "a/b", "a:b", "\xc3\xa4", "a\n"})
    EXPECT_EQ(outcome(add(name)), "kms-validation") << name;
  EXPECT_EQ(outcome(add(std::string(65, 'a'))), "kms-validation");
  EXPECT_EQ(outcome(add("a", {0xffffffff})), "kms-validation") << "what the kernel says of nobody";
  EXPECT_EQ(outcome(add("a", std::vector<std::uint32_t>(1001, 1))), "kms-validation");
  EXPECT_TRUE(add(std::string(60, 'a') + "+=,."));
  EXPECT_TRUE(add("@_-"));
  EXPECT_EQ(outcome(engine_->create_access_key("x", "bob")), "kms-validation");
  EXPECT_EQ(outcome(engine_->remove_principal(account_, "")), "kms-validation");
  EXPECT_EQ(outcome(engine_->delete_access_key("")), "kms-validation");
}

}  // namespace
}  // namespace enfold
