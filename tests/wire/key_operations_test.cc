// JSON of the operations on keys.
#include <boost/json.hpp>

#include "tests/wire/operation_support.h"

namespace enfold {
namespace {

namespace json = boost::json;

class KeyOperations : public OperationWorld {
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

TEST_F(KeyOperations, DescribeAKey) {
  clock_.now_ms = 1'763'761'212'123;
  const ReadAnswer made = ask("CreateKey", {{"Description", "for \u00fc"}});
  EXPECT_EQ(members(made), "KeyMetadata");
  const json::object key = made.json().at("KeyMetadata").as_object();
  EXPECT_EQ(members(key),
            "AWSAccountId,Arn,CreationDate,CurrentKeyMaterialId,CustomerMasterKeySpec,Description,Enabled,"
            "EncryptionAlgorithms,KeyId,KeyManager,KeySpec,KeyState,KeyUsage,MultiRegion,Origin");
  EXPECT_EQ(key.at("AWSAccountId"), "111122223333");
  EXPECT_EQ(key.at("CreationDate").as_double(), 1763761212.123);
  EXPECT_NE(made.body.find("\"CreationDate\":1.763761212123E9"), std::string::npos) << "as AWS writes it";
  EXPECT_EQ(key.at("Description"), "for \u00fc");
  EXPECT_EQ(key.at("Enabled"), true);
  EXPECT_EQ(key.at("EncryptionAlgorithms"), json::array{"SYMMETRIC_DEFAULT"});
  EXPECT_EQ(key.at("KeyManager"), "CUSTOMER");
  EXPECT_EQ(key.at("KeyState"), "Enabled");
  EXPECT_EQ(key.at("MultiRegion"), false);
  EXPECT_EQ(key.at("Origin"), "AWS_KMS");
  EXPECT_EQ(key.at("CurrentKeyMaterialId").as_string().size(), 64U);
  const ReadAnswer described = ask("DescribeKey", {{"KeyId", key.at("Arn")}, {"GrantTokens", json::array{}}});
  EXPECT_EQ(described.body, made.body);
}

TEST_F(KeyOperations, CreateKeyRefusesWhatItWouldOtherwiseIgnore) {
  for (const json::object& request :
       {json::object{{"Policy", "{}"}}, json::object{{"CustomKeyStoreId", "cks"}},
        json::object{{"XksKeyId", "x"}}, json::object{{"BypassPolicyLockoutSafetyCheck", true}}})
    EXPECT_EQ(ask("CreateKey", request).type(), "UnsupportedOperationException") << request;
  EXPECT_EQ(ask("CreateKey", {{"BypassPolicyLockoutSafetyCheck", false}}).status, 200);
  EXPECT_EQ(
      ask("CreateKey", {{"KeySpec", "SYMMETRIC_DEFAULT"}, {"CustomerMasterKeySpec", "SYMMETRIC_DEFAULT"}})
          .message(),
      "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is "
      "deprecated.");
  EXPECT_EQ(
      ask("CreateKey", {{"CustomerMasterKeySpec", "SYMMETRIC_DEFAULT"}, {"KeyUsage", "ENCRYPT_DECRYPT"}})
          .status,
      200);
  EXPECT_EQ(
      ask("CreateKey", {{"Tags", {{{"TagKey", "a"}}, {{"TagValue", "b"}}}}}).message(),
      "2 validation errors detected: Value null at 'tags.1.member.tagValue' failed to satisfy constraint: "
      "Member must not be null; Value null at 'tags.2.member.tagKey' failed to satisfy constraint: Member "
      "must not be null");
  EXPECT_EQ(ask("CreateKey", {{"Tags", {"a"}}}).message(),
            "STRING_VALUE can not be converted to a Structure");
}

TEST_F(KeyOperations, EachErrorHasItsClass) {
  const std::string missing = "00000000-0000-4000-8000-000000000000";
  EXPECT_EQ(ask("DescribeKey", {{"KeyId", missing}}).message(),
            "Key 'arn:aws:kms:local:111122223333:key/" + missing + "' does not exist");
  EXPECT_EQ(ask("DescribeKey", {{"KeyId", "nope"}}).body,
            R"({"__type":"NotFoundException","message":"Invalid keyId 'nope'"})");
  expect_silent("DisableKey", {{"KeyId", id_}});
  const ReadAnswer disabled = ask("GenerateDataKey", {{"KeyId", id_}, {"KeySpec", "AES_256"}});
  EXPECT_EQ(disabled.type(), "DisabledException");
  EXPECT_EQ(disabled.message(), arn_ + " is disabled.");
  EXPECT_EQ(describe().at("Enabled"), false);
  EXPECT_EQ(describe().at("KeyState"), "Disabled");
  expect_silent("EnableKey", {{"KeyId", id_}});
  EXPECT_EQ(describe().at("KeyState"), "Enabled");
}

TEST_F(KeyOperations, ListKeysInPages) {
  new_key();
  new_key();
  std::string marker;
  std::size_t count = 0;
  for (int page = 0; page < 3; ++page) {
    json::object request{{"Limit", 1}};
    if (!marker.empty()) request["Marker"] = marker;
    const ReadAnswer answer = ask("ListKeys", request);
    EXPECT_EQ(members(answer), page == 2 ? "Keys,Truncated" : "Keys,NextMarker,Truncated");
    const json::object object = answer.json();
    EXPECT_EQ(object.at("Truncated"), page != 2);
    const json::object& key = object.at("Keys").as_array().at(0).as_object();
    EXPECT_EQ(members(key), "KeyArn,KeyId");
    marker = answer.text("NextMarker");
    count += object.at("Keys").as_array().size();
  }
  EXPECT_EQ(count, 3U);
}

}  // namespace
}  // namespace enfold
