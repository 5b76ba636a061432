// Our own operations: batches and principals.
#include <boost/json.hpp>

#include "kms/engine/operations.h"
#include "tests/wire/operation_support.h"

namespace enfold {
namespace {

namespace json = boost::json;

class OwnOperations : public OperationWorld {
 protected:
  std::string sealed(std::string_view text, const json::object& context) {
    return ask("Encrypt", {{"KeyId", id_}, {"Plaintext", base64_of(text)}, {"EncryptionContext", context}})
        .text("CiphertextBlob");
  }
  std::string id_ = new_key();
  std::string arn_ = "arn:aws:kms:local:111122223333:key/" + id_;
};

TEST_F(OwnOperations, BatchDecrypt) {
  const std::string blob = sealed("one", {{"a", "1"}});
  const ReadAnswer answer =
      ask("Enfold.BatchDecrypt", {{"KeyId", id_},
                                  {"Entries",
                                   {{{"CiphertextBlob", blob}, {"EncryptionContext", {{"a", "1"}}}},
                                    {{"CiphertextBlob", blob}, {"EncryptionContext", {{"a", "2"}}}},
                                    {{"CiphertextBlob", sealed("three", {})}}}}});
  EXPECT_EQ(members(answer), "Entries,KeyId");
  EXPECT_EQ(answer.text("KeyId"), arn_);
  const json::array entries = answer.json().at("Entries").as_array();
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(members(entries.at(0).as_object()), "KeyMaterialId,Plaintext");
  EXPECT_EQ(entries.at(0).at("Plaintext").as_string(), base64_of("one"));
  EXPECT_EQ(entries.at(1).as_object(), (json::object{{"Error", {{"__type", "InvalidCiphertextException"}}}}));
  EXPECT_EQ(entries.at(2).at("Plaintext").as_string(), base64_of("three"));
}

TEST_F(OwnOperations, ABatchFailsAsAWholeForWhatConcernsAll) {
  const json::object entry{{"CiphertextBlob", sealed("x", {})}};
  EXPECT_EQ(
      ask("Enfold.BatchDecrypt", {}).message(),
      "2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be "
      "null; Value null at 'entries' failed to satisfy constraint: Member must not be null");
  EXPECT_EQ(ask("Enfold.BatchDecrypt", {{"KeyId", id_}, {"Entries", {entry, json::object{}}}}).message(),
            "1 validation error detected: Value null at 'entries.2.member.ciphertextBlob' failed to satisfy "
            "constraint: Member must not be null");
  EXPECT_EQ(ask("Enfold.BatchDecrypt", {{"KeyId", id_}, {"Entries", {entry, 5}}}).type(),
            "SerializationException");
  EXPECT_EQ(ask("Enfold.BatchDecrypt", {{"KeyId", id_}, {"Entries", json::array{}}}).type(),
            "ValidationException");
  EXPECT_EQ(
      ask("Enfold.BatchDecrypt", {{"KeyId", id_}, {"Entries", json::array(kMaxBatchEntries + 1, entry)}})
          .type(),
      "ValidationException");
  const ReadAnswer most =
      ask("Enfold.BatchDecrypt", {{"KeyId", id_}, {"Entries", json::array(kMaxBatchEntries, entry)}});
  EXPECT_EQ(most.json().at("Entries").as_array().size(), kMaxBatchEntries);
  EXPECT_EQ(ask("Enfold.BatchDecrypt", {{"KeyId", "nope"}, {"Entries", {entry}}}).type(),
            "NotFoundException");
}

// A few bytes of a request for each fault, and a hundred of the answer.
TEST_F(OwnOperations, AnswersToManyFaultsDoNotOutgrowTheRequest) {
  const json::array empty(20'000, json::object{});
  for (const ReadAnswer& answer :
       {ask("Enfold.BatchDecrypt", {{"KeyId", id_}, {"Entries", empty}}),
        ask("Enfold.BatchReEncrypt", {{"SourceKeyId", id_}, {"DestinationKeyId", id_}, {"Entries", empty}}),
        ask("TagResource", {{"KeyId", id_}, {"Tags", empty}}),
        ask("UntagResource", {{"KeyId", id_}, {"TagKeys", json::array(20'000, "")}})}) {
    EXPECT_EQ(answer.type(), "ValidationException");
    EXPECT_LT(answer.body.size(), 20'000U);
  }
}

TEST_F(OwnOperations, BatchReEncrypt) {
  const std::string other = new_key();
  const ReadAnswer answer = ask("Enfold.BatchReEncrypt", {{"SourceKeyId", id_},
                                                          {"DestinationKeyId", other},
                                                          {"Entries",
                                                           {{{"CiphertextBlob", sealed("one", {{"a", "1"}})},
                                                             {"SourceEncryptionContext", {{"a", "1"}}},
                                                             {"DestinationEncryptionContext", {{"b", "2"}}}},
                                                            {{"CiphertextBlob", "eA=="}}}}});
  EXPECT_EQ(members(answer), "Entries,KeyId,SourceKeyId");
  EXPECT_EQ(answer.text("SourceKeyId"), arn_);
  EXPECT_TRUE(answer.text("KeyId").ends_with(other));
  const json::array entries = answer.json().at("Entries").as_array();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(members(entries.at(0).as_object()),
            "CiphertextBlob,DestinationKeyMaterialId,SourceKeyMaterialId");
  EXPECT_EQ(ask("Decrypt",
                {{"CiphertextBlob", entries.at(0).at("CiphertextBlob")}, {"EncryptionContext", {{"b", "2"}}}})
                .text("Plaintext"),
            base64_of("one"));
  EXPECT_EQ(entries.at(1).at("Error").at("__type"), "InvalidCiphertextException");
}

TEST_F(OwnOperations, Principals) {
  const ReadAnswer added =
      ask_as(0, "Enfold.AddPrincipal",
             {{"Account", "000000000000"}, {"Name", "bob"}, {"UnixIds", {1, 4294967294U}}});
  EXPECT_EQ(members(added), "Principal");
  const json::object bob = added.json().at("Principal").as_object();
  EXPECT_EQ(members(bob), "AccessKeyIds,Account,Arn,CreateDate,Name,UnixIds");
  EXPECT_EQ(bob.at("Arn"), "arn:aws:iam::000000000000:user/bob");
  EXPECT_EQ(json::serialize(bob.at("UnixIds")), "[1,4294967294]");
  EXPECT_EQ(call_as(1, "Enfold.Ping").status, 200);

  const json::object name{{"Account", "000000000000"}, {"Name", "bob"}};
  const ReadAnswer key = ask_as(0, "Enfold.CreateAccessKey", name);
  EXPECT_EQ(members(key), "AccessKeyId,SecretAccessKey");
  EXPECT_EQ(key.text("SecretAccessKey").size(), 40U);
  const json::object list = ask_as(0, "Enfold.ListPrincipals", {}).json();
  ASSERT_EQ(list.at("Principals").as_array().size(), 2U);
  EXPECT_NE(json::serialize(list).find(key.text("AccessKeyId")), std::string::npos);
  EXPECT_EQ(json::serialize(list).find(key.text("SecretAccessKey")), std::string::npos);

  EXPECT_EQ(ask_as(0, "Enfold.DeleteAccessKey", {{"AccessKeyId", key.text("AccessKeyId")}}).body, "{}");
  EXPECT_EQ(ask_as(0, "Enfold.RemovePrincipal", name).body, "{}");
  EXPECT_EQ(ask_as(0, "Enfold.RemovePrincipal", name).type(), "NotFoundException");
  EXPECT_EQ(call_as(1, "Enfold.Ping").type(), "AccessDeniedException");
}

TEST_F(OwnOperations, PrincipalsThatCannotBe) {
  for (const json::object& request : {json::object{{"Account", "1"}, {"Name", "x"}},
                                      json::object{{"Account", "000000000000"}, {"Name", "a b"}},
                                      json::object{{"Account", "000000000000"}}, json::object{{"Name", "x"}}})
    EXPECT_EQ(ask_as(0, "Enfold.AddPrincipal", request).type(), "ValidationException") << request;
  for (const json::value& id : {json::value(-1), json::value("1"), json::value(4294967296), json::value(1.5)})
    EXPECT_EQ(ask_as(0, "Enfold.AddPrincipal",
                     {{"Account", "000000000000"}, {"Name", "x"}, {"UnixIds", json::array(1, id)}})
                  .type(),
              "SerializationException")
        << id;
  EXPECT_EQ(ask_as(0, "Enfold.AddPrincipal",
                   {{"Account", "000000000000"}, {"Name", "x"}, {"UnixIds", json::array(1, kAliceUnixId)}})
                .type(),
            "AlreadyExistsException");
}

}  // namespace
}  // namespace enfold
