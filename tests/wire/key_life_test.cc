// JSON of the operations on what belongs to keys, and on their lives.
#include <boost/json.hpp>

#include "tests/wire/operation_support.h"

namespace enfold {
namespace {

namespace json = boost::json;

constexpr std::int64_t kDay = std::int64_t{24} * 60 * 60 * 1000;

class KeyLife : public OperationWorld {
 protected:
  std::string id_ = new_key("first");
  std::string arn_ = "arn:aws:kms:local:111122223333:key/" + id_;

  json::object describe() {
    return ask("DescribeKey", {{"KeyId", id_}}).json().at("KeyMetadata").as_object();
  }
  // Whether AWS answers an empty body.
  void expect_silent(std::string_view operation, const json::object& request) {
    const ReadAnswer answer = ask(operation, request);
    EXPECT_EQ(answer.status, 200) << operation << answer.body;
    EXPECT_EQ(answer.body, "") << operation;
  }
};

TEST_F(KeyLife, ADescription) {
  expect_silent("UpdateKeyDescription", {{"KeyId", id_}, {"Description", "second"}});
  EXPECT_EQ(describe().at("Description"), "second");
  EXPECT_EQ(
      ask("UpdateKeyDescription", {{"KeyId", id_}}).message(),
      "1 validation error detected: Value null at 'description' failed to satisfy constraint: Member must "
      "not be null");
}

TEST_F(KeyLife, Tags) {
  expect_silent("TagResource",
                {{"KeyId", id_},
                 {"Tags", {{{"TagKey", "a"}, {"TagValue", "1"}}, {{"TagKey", "b"}, {"TagValue", ""}}}}});
  EXPECT_EQ(ask("ListResourceTags", {{"KeyId", id_}}).body,
            R"({"Tags":[{"TagKey":"a","TagValue":"1"},{"TagKey":"b","TagValue":""}],"Truncated":false})");
  EXPECT_EQ(members(ask("ListResourceTags", {{"KeyId", id_}, {"Limit", 1}})), "NextMarker,Tags,Truncated");
  expect_silent("UntagResource", {{"KeyId", id_}, {"TagKeys", {"a"}}});
  EXPECT_EQ(ask("ListResourceTags", {{"KeyId", id_}}).body,
            R"({"Tags":[{"TagKey":"b","TagValue":""}],"Truncated":false})");
  EXPECT_EQ(ask("TagResource", {{"KeyId", id_}, {"Tags", {{{"TagKey", "aws:x"}, {"TagValue", "1"}}}}}).type(),
            "TagException");
  EXPECT_EQ(ask("UntagResource", {{"KeyId", id_}}).type(), "ValidationException");
}

TEST_F(KeyLife, Aliases) {
  expect_silent("CreateAlias", {{"AliasName", "alias/a"}, {"TargetKeyId", id_}});
  EXPECT_EQ(ask("CreateAlias", {{"AliasName", "alias/a"}, {"TargetKeyId", id_}}).type(),
            "AlreadyExistsException");
  EXPECT_EQ(ask("DescribeKey", {{"KeyId", "alias/a"}}).json().at("KeyMetadata").at("KeyId").as_string(), id_);
  EXPECT_EQ(ask("GenerateDataKey", {{"KeyId", "alias/a"}, {"KeySpec", "AES_128"}}).text("KeyId"), arn_)
      << "an ARN of the key, whatever the caller said";
  const ReadAnswer list = ask("ListAliases", {{"KeyId", id_}});
  EXPECT_EQ(members(list), "Aliases,Truncated");
  const json::array aliases = list.json().at("Aliases").as_array();
  ASSERT_EQ(aliases.size(), 1U);
  EXPECT_EQ(members(aliases.at(0).as_object()),
            "AliasArn,AliasName,CreationDate,LastUpdatedDate,TargetKeyId");
  EXPECT_EQ(aliases.at(0).at("TargetKeyId").as_string(), id_);
  EXPECT_EQ(aliases.at(0).at("AliasArn"), "arn:aws:kms:local:111122223333:alias/a");
  const std::string other = new_key();
  expect_silent("UpdateAlias", {{"AliasName", "alias/a"}, {"TargetKeyId", other}});
  EXPECT_EQ(ask("ListAliases", {{"KeyId", id_}}).json().at("Aliases").as_array().size(), 0U);
  expect_silent("DeleteAlias", {{"AliasName", "alias/a"}});
  EXPECT_EQ(ask("DeleteAlias", {{"AliasName", "alias/a"}}).type(), "NotFoundException");
  EXPECT_EQ(ask("CreateAlias", {{"AliasName", "alias/a"}}).type(), "ValidationException");
}

TEST_F(KeyLife, Rotation) {
  EXPECT_EQ(ask("GetKeyRotationStatus", {{"KeyId", id_}}).json(),
            (json::object{{"KeyRotationEnabled", false}, {"KeyId", arn_}}));
  expect_silent("EnableKeyRotation", {{"KeyId", id_}, {"RotationPeriodInDays", 90}});
  const ReadAnswer status = ask("GetKeyRotationStatus", {{"KeyId", id_}});
  EXPECT_EQ(members(status), "KeyId,KeyRotationEnabled,NextRotationDate,RotationPeriodInDays");
  EXPECT_EQ(status.json().at("RotationPeriodInDays"), 90);
  EXPECT_EQ(status.json().at("NextRotationDate").to_number<double>(),
            static_cast<double>(clock_.now_ms + 90 * kDay) / 1000);
  EXPECT_EQ(ask("RotateKeyOnDemand", {{"KeyId", id_}}).json(), (json::object{{"KeyId", arn_}}));
  const ReadAnswer rotations = ask("ListKeyRotations", {{"KeyId", id_}});
  EXPECT_EQ(members(rotations), "Rotations,Truncated");
  const json::object all =
      ask("ListKeyRotations", {{"KeyId", id_}, {"IncludeKeyMaterial", "ALL_KEY_MATERIAL"}}).json();
  ASSERT_EQ(all.at("Rotations").as_array().size(), 2U);
  const auto entry = [&](std::size_t i) { return all.at("Rotations").as_array().at(i).as_object(); };
  EXPECT_EQ(members(entry(0)), "KeyId,KeyMaterialId,KeyMaterialState");
  EXPECT_EQ(entry(0).at("KeyMaterialState"), "NON_CURRENT");
  EXPECT_EQ(members(entry(1)), "KeyId,KeyMaterialId,KeyMaterialState,RotationDate,RotationType");
  EXPECT_EQ(entry(1).at("KeyMaterialState"), "CURRENT");
  EXPECT_EQ(entry(1).at("RotationType"), "ON_DEMAND");
  EXPECT_EQ(ask("ListKeyRotations", {{"KeyId", id_}, {"IncludeKeyMaterial", "SOME"}}).message(),
            "1 validation error detected: Value 'SOME' at 'includeKeyMaterial' failed to satisfy constraint: "
            "Member "
            "must satisfy enum value set: [ALL_KEY_MATERIAL, ROTATIONS_ONLY]");
  expect_silent("DisableKeyRotation", {{"KeyId", id_}});
}

TEST_F(KeyLife, Deletion) {
  const ReadAnswer scheduled = ask("ScheduleKeyDeletion", {{"KeyId", id_}, {"PendingWindowInDays", 7}});
  EXPECT_EQ(members(scheduled), "DeletionDate,KeyId,KeyState,PendingWindowInDays");
  EXPECT_EQ(scheduled.text("KeyId"), arn_);
  EXPECT_EQ(scheduled.text("KeyState"), "PendingDeletion");
  EXPECT_EQ(describe().at("DeletionDate"), scheduled.json().at("DeletionDate"));
  EXPECT_EQ(describe().at("Enabled"), false);
  const ReadAnswer refused = ask("Encrypt", {{"KeyId", id_}, {"Plaintext", "eA=="}});
  EXPECT_EQ(refused.type(), "KMSInvalidStateException");
  EXPECT_EQ(refused.message(), arn_ + " is pending deletion.");
  EXPECT_EQ(ask("CancelKeyDeletion", {{"KeyId", id_}}).json(), (json::object{{"KeyId", arn_}}));
  EXPECT_EQ(describe().at("KeyState"), "Disabled");
  EXPECT_EQ(ask("ScheduleKeyDeletion", {{"KeyId", id_}, {"PendingWindowInDays", 6}}).type(),
            "ValidationException");
}

TEST_F(KeyLife, DryRunAndGrantTokens) {
  const ReadAnswer dry = ask("GenerateDataKey", {{"KeyId", id_}, {"KeySpec", "AES_256"}, {"DryRun", true}});
  EXPECT_EQ(dry.status, 400);
  EXPECT_EQ(dry.type(), "DryRunOperationException");
  EXPECT_EQ(dry.message(), "The request would have succeeded, but the DryRun option is set.");
  EXPECT_EQ(ask("GenerateDataKey", {{"KeyId", id_}, {"KeySpec", "AES_256"}, {"GrantTokens", {"t"}}}).type(),
            "InvalidGrantTokenException");
}

}  // namespace
}  // namespace enfold
