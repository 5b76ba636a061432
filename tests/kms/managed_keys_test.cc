// The keys of alias/aws/SERVICE.
#include "tests/kms/engine_fixture.h"

namespace enfold {
namespace {

class ManagedKeys : public EngineFixture {
 protected:
  AliasEntry alias(const std::string& name) {
    const auto page = engine_->list_aliases(here_, {}, {.limit = 100}).value();
    for (const AliasEntry& entry : page.aliases)
      if (entry.name == name) return entry;
    return {};
  }
};

TEST_F(ManagedKeys, AreMadeWhenTheyAreFirstDescribed) {
  EXPECT_EQ(alias("alias/aws/ebs").arn, "arn:aws:kms:local:000000000000:alias/aws/ebs");
  EXPECT_EQ(alias("alias/aws/ebs").target_key_id, "");
  EXPECT_EQ(outcome(engine_->encrypt(here_, {"alias/aws/ebs", as_bytes("x"), {}})), "kms-not-found");
  const KeyMetadata key = engine_->describe_key(here_, "alias/aws/ebs").value();
  EXPECT_EQ(key.manager, KeyManager::kAws);
  EXPECT_EQ(key.state, KeyState::kEnabled);
  EXPECT_EQ(engine_->describe_key(here_, "alias/aws/ebs")->arn, key.arn);
  EXPECT_EQ(open()->describe_key(here_, "arn:aws:kms:local:000000000000:alias/aws/ebs")->arn, key.arn);
  EXPECT_EQ(alias("alias/aws/ebs").target_key_id, key.key_id);
  EXPECT_EQ(engine_->list_keys(here_, {})->keys.size(), 2U);
  EXPECT_TRUE(engine_->encrypt(here_, {"alias/aws/ebs", as_bytes("x"), {}}));
  const KeyMetadata elsewhere =
      engine_->describe_key(CallScope{"eu", here_.account}, "alias/aws/ebs").value();
  EXPECT_NE(elsewhere.arn, key.arn);
}

TEST_F(ManagedKeys, AreMadeOnlyForServicesThatThereAre) {
  EXPECT_EQ(said(engine_->describe_key(here_, "alias/aws/nonsense")),
            "Alias arn:aws:kms:local:000000000000:alias/aws/nonsense is not found.");
  EXPECT_EQ(outcome(engine_->describe_key(here_, "arn:aws:kms:local:111111111111:alias/aws/s3")),
            "kms-access-denied");
  EXPECT_EQ(said(engine_->describe_key(here_, "arn:aws:kms:eu:000000000000:alias/aws/s3")), "Invalid arn eu");
  EXPECT_EQ(outcome(engine_->describe_key(here_, "alias/aws/s3", {"token"})), "kms-invalid-grant-token");
}

TEST_F(ManagedKeys, RotateEachYear) {
  const std::string arn = engine_->describe_key(here_, "alias/aws/s3")->arn;
  EXPECT_TRUE(engine_->get_key_rotation_status(here_, arn)->enabled);
  EXPECT_EQ(engine_->get_key_rotation_status(here_, arn)->period_days, 365);
  pass_days(365);
  ASSERT_TRUE(engine_->run_due());
  EXPECT_EQ(engine_->list_key_rotations(here_, {.key_id = arn})->rotations.size(), 1U);
}

TEST_F(ManagedKeys, AreNotTheCustomersToManage) {
  const std::string arn = engine_->describe_key(here_, "alias/aws/s3")->arn;
  const KmsCaller bob(here_, "arn:aws:iam::000000000000:user/bob");
  EXPECT_EQ(
      said(engine_->disable_key(bob, arn)),
      "User: arn:aws:iam::000000000000:user/bob is not authorized to perform: kms:DisableKey on resource: " +
          arn + " because no resource-based policy allows the kms:DisableKey action");
  const std::vector<std::string> refused{outcome(engine_->enable_key(bob, arn)),
                                         outcome(engine_->update_key_description(bob, arn, "")),
                                         outcome(engine_->tag_resource(bob, arn, {})),
                                         outcome(engine_->untag_resource(bob, arn, {})),
                                         outcome(engine_->enable_key_rotation(bob, arn, {})),
                                         outcome(engine_->disable_key_rotation(bob, arn)),
                                         outcome(engine_->rotate_key_on_demand(bob, arn)),
                                         outcome(engine_->schedule_key_deletion(bob, arn, {})),
                                         outcome(engine_->cancel_key_deletion(bob, arn)),
                                         outcome(engine_->create_alias(bob, "alias/mine", arn))};
  EXPECT_EQ(refused, std::vector<std::string>(10, "kms-access-denied"));
  EXPECT_TRUE(engine_->list_resource_tags(bob, arn, {}));
  EXPECT_EQ(engine_->list_aliases(bob, arn, {})->aliases.size(), 1U);
}

}  // namespace
}  // namespace enfold
