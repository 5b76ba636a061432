// Every error that the operations give, provoked over the wire: class, status and message.
#include <boost/json.hpp>

#include "tests/wire/operation_support.h"

namespace enfold {
namespace {

namespace json = boost::json;

class ErrorClasses : public OperationWorld {
 protected:
  struct Case {
    const char* operation;
    json::object request;
    const char* type;
    std::string message;
  };
  void expect(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
      const ReadAnswer answer = ask(one.operation, one.request);
      EXPECT_EQ(answer.status, 400);
      EXPECT_EQ(answer.type(), one.type) << one.operation << answer.body;
      EXPECT_EQ(answer.message(), one.message) << one.operation;
      EXPECT_EQ(answer.json().contains("message"), !one.message.empty())
          << "none where there is nothing to say";
    }
  }

  std::string id_ = new_key();
  std::string arn_ = "arn:aws:kms:local:111122223333:key/" + id_;
  std::string blob_ = ask("Encrypt", {{"KeyId", id_}, {"Plaintext", "eA=="}}).text("CiphertextBlob");
};

TEST_F(ErrorClasses, OfRequestsAndNames) {
  expect({
      {"GenerateRandom", {}, "ValidationException", "NumberOfBytes is required."},
      {"GenerateRandom",
       {{"NumberOfBytes", "1"}},
       "SerializationException",
       "STRING_VALUE can not be converted to an Integer"},
      {"DescribeKey", {{"KeyId", "x"}}, "NotFoundException", "Invalid keyId 'x'"},
      {"DescribeKey",
       {{"KeyId", "arn:aws:kms:eu-west-1:111122223333:key/" + id_}},
       "NotFoundException",
       "Invalid arn eu-west-1"},
      {"ListKeys", {{"Marker", "never answered"}}, "InvalidMarkerException", "Invalid marker"},
      {"CreateAlias",
       {{"AliasName", "a"}, {"TargetKeyId", id_}},
       "ValidationException",
       "Alias must start with the prefix \"alias/\". Please see "
       "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"},
      {"TagResource",
       {{"KeyId", id_}, {"Tags", {{{"TagKey", "AWS:x"}, {"TagValue", ""}}}}},
       "TagException",
       "Tags beginning with aws: are reserved"},
      {"CreateKey",
       {{"Policy", "{}"}},
       "UnsupportedOperationException",
       "This key service does not have Policy yet."},
      {"Sign", {}, "UnsupportedOperationException", "This key service does not have this operation yet."},
      {"Nothing", {}, "UnknownOperationException", ""},
  });
  const ReadAnswer reserved = ask("CreateAlias", {{"AliasName", "alias/aws/x"}, {"TargetKeyId", id_}});
  EXPECT_EQ(reserved.type(), "InvalidAliasNameException");
}

TEST_F(ErrorClasses, OfCiphertextsAndOptions) {
  expect({
      {"Decrypt", {{"CiphertextBlob", "eA=="}}, "InvalidCiphertextException", ""},
      {"Decrypt",
       {{"CiphertextBlob", blob_}, {"KeyId", new_key()}},
       "IncorrectKeyException",
       "The key ID in the request does not identify a CMK that can perform this operation."},
      {"Decrypt",
       {{"CiphertextBlob", blob_}, {"DryRun", true}},
       "DryRunOperationException",
       "The request would have succeeded, but the DryRun option is set."},
      {"Decrypt",
       {{"CiphertextBlob", blob_}, {"EncryptionAlgorithm", "RSAES_OAEP_SHA_256"}},
       "InvalidKeyUsageException",
       "Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT."},
  });
  EXPECT_EQ(ask("Decrypt", {{"CiphertextBlob", blob_}, {"GrantTokens", {"t"}}}).type(),
            "InvalidGrantTokenException");
}

TEST_F(ErrorClasses, OfStatesAndLimits) {
  const json::object key{{"KeyId", id_}};
  const json::object alias{{"AliasName", "alias/a"}, {"TargetKeyId", id_}};
  EXPECT_EQ(ask("CreateAlias", alias).status, 200);
  EXPECT_EQ(ask("CreateAlias", alias).type(), "AlreadyExistsException");
  for (int i = 0; i < 25; ++i) EXPECT_EQ(ask("RotateKeyOnDemand", key).status, 200);
  expect({{"RotateKeyOnDemand", key, "LimitExceededException",
           "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations "
           "can be "
           "performed for this key: " +
               arn_}});
  EXPECT_EQ(ask("DisableKey", key).status, 200);
  expect({{"Decrypt", {{"CiphertextBlob", blob_}}, "DisabledException", arn_ + " is disabled."},
          {"CancelKeyDeletion", key, "KMSInvalidStateException", arn_ + " is not pending deletion."}});
  EXPECT_EQ(ask("ScheduleKeyDeletion", key).status, 200);
  expect(
      {{"Decrypt", {{"CiphertextBlob", blob_}}, "KMSInvalidStateException", arn_ + " is pending deletion."}});
  EXPECT_EQ(ask_as(kStrangerUnixId, "DescribeKey", key).type(), "AccessDeniedException");
}

}  // namespace
}  // namespace enfold
