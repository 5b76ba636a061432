// The cryptographic operations' JSON: members, blobs, and what is refused before the engine is asked.
#include <boost/json.hpp>

#include "tests/wire/operation_support.h"

namespace enfold {
namespace {

namespace json = boost::json;

class CryptoOperations : public OperationWorld {
 protected:
  std::string id_ = new_key();
  std::string arn_ = "arn:aws:kms:local:111122223333:key/" + id_;
  json::object context_{{"EncryptionContext", {{"volume", "v"}, {"file", "\u00fc"}}}};

  json::object with_context(json::object request) const {
    request.insert(context_.begin(), context_.end());
    return request;
  }
};

TEST_F(CryptoOperations, EncryptAndDecrypt) {
  const ReadAnswer sealed = ask("Encrypt", with_context({{"KeyId", id_}, {"Plaintext", "aGVsbG8="}}));
  EXPECT_EQ(members(sealed), "CiphertextBlob,EncryptionAlgorithm,KeyId");
  EXPECT_EQ(sealed.text("KeyId"), arn_);
  EXPECT_EQ(sealed.text("EncryptionAlgorithm"), "SYMMETRIC_DEFAULT");
  const json::object request = with_context({{"CiphertextBlob", sealed.text("CiphertextBlob")}});
  const ReadAnswer opened = ask("Decrypt", request);
  EXPECT_EQ(members(opened), "EncryptionAlgorithm,KeyId,KeyMaterialId,Plaintext");
  EXPECT_EQ(opened.text("Plaintext"), "aGVsbG8=");
  EXPECT_EQ(opened.text("KeyId"), arn_);
  EXPECT_EQ(opened.text("KeyMaterialId").size(), 64U);
  json::object wrong = request;
  wrong["EncryptionContext"].as_object()["file"] = "u";
  const ReadAnswer refused = ask("Decrypt", wrong);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.body, R"({"__type":"InvalidCiphertextException"})");
}

TEST_F(CryptoOperations, PlaintextsOfAllLengths) {
  for (std::size_t size : {1U, 2U, 3U, 15U, 16U, 100U, 4096U}) {
    const std::string text = base64_of(std::string(size, '\xff'));
    const ReadAnswer sealed = ask("Encrypt", {{"KeyId", id_}, {"Plaintext", text}});
    EXPECT_EQ(ask("Decrypt", {{"CiphertextBlob", sealed.text("CiphertextBlob")}}).text("Plaintext"), text);
  }
  EXPECT_EQ(
      ask("Encrypt", {{"KeyId", id_}, {"Plaintext", ""}}).message(),
      "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have "
      "length greater than or equal to 1");
  const ReadAnswer long_one =
      ask("Encrypt", {{"KeyId", id_}, {"Plaintext", base64_of(std::string(4097, 'x'))}});
  EXPECT_EQ(
      long_one.message(),
      "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have "
      "length less than or equal to 4096");
}

TEST_F(CryptoOperations, DataKeys) {
  const ReadAnswer key = ask("GenerateDataKey", with_context({{"KeyId", arn_}, {"KeySpec", "AES_256"}}));
  EXPECT_EQ(members(key), "CiphertextBlob,KeyId,KeyMaterialId,Plaintext");
  EXPECT_EQ(key.text("KeyId"), arn_);
  EXPECT_EQ(key.text("Plaintext").size(), 44U);
  const auto opened =
      ask("Decrypt", with_context({{"CiphertextBlob", key.text("CiphertextBlob")}, {"KeyId", id_}}));
  EXPECT_EQ(opened.text("Plaintext"), key.text("Plaintext"));
  const ReadAnswer hidden =
      ask("GenerateDataKeyWithoutPlaintext", with_context({{"KeyId", arn_}, {"NumberOfBytes", 64}}));
  EXPECT_EQ(members(hidden), "CiphertextBlob,KeyId,KeyMaterialId");
  EXPECT_EQ(ask("Decrypt", with_context({{"CiphertextBlob", hidden.text("CiphertextBlob")}}))
                .text("Plaintext")
                .size(),
            88U);
  EXPECT_EQ(
      ask("GenerateDataKey", {{"KeyId", arn_}, {"KeySpec", "AES_512"}}).message(),
      "1 validation error detected: Value 'AES_512' at 'keySpec' failed to satisfy constraint: Member must "
      "satisfy enum value set: [AES_256, AES_128]");
}

TEST_F(CryptoOperations, ReEncrypt) {
  const std::string other = new_key();
  const ReadAnswer sealed = ask("Encrypt", with_context({{"KeyId", id_}, {"Plaintext", "eA=="}}));
  const ReadAnswer moved = ask("ReEncrypt", {{"CiphertextBlob", sealed.text("CiphertextBlob")},
                                             {"SourceEncryptionContext", context_.at("EncryptionContext")},
                                             {"SourceKeyId", id_},
                                             {"DestinationKeyId", other},
                                             {"DestinationEncryptionContext", {{"a", "b"}}}});
  EXPECT_EQ(members(moved),
            "CiphertextBlob,DestinationEncryptionAlgorithm,DestinationKeyMaterialId,KeyId,"
            "SourceEncryptionAlgorithm,SourceKeyId,SourceKeyMaterialId");
  EXPECT_EQ(moved.text("SourceKeyId"), arn_);
  EXPECT_TRUE(moved.text("KeyId").ends_with("key/" + other));
  EXPECT_EQ(
      ask("Decrypt", {{"CiphertextBlob", moved.text("CiphertextBlob")}, {"EncryptionContext", {{"a", "b"}}}})
          .text("Plaintext"),
      "eA==");
}

TEST_F(CryptoOperations, Random) {
  const ReadAnswer answer = ask("GenerateRandom", {{"NumberOfBytes", 5}});
  EXPECT_EQ(members(answer), "Plaintext");
  EXPECT_EQ(answer.text("Plaintext").size(), 8U);
  EXPECT_EQ(ask("GenerateRandom", {{"NumberOfBytes", 5.0}}).status, 200) << "a number is a number";
  EXPECT_EQ(ask("GenerateRandom", {}).message(), "NumberOfBytes is required.");
  EXPECT_EQ(
      ask("GenerateRandom", {{"NumberOfBytes", 1025}}).message(),
      "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member "
      "must have value less than or equal to 1024");
}

TEST_F(CryptoOperations, WrongTypes) {
  struct Row {
    const char* operation;
    json::object request;
    const char* message;
  };
  for (const Row& row :
       {Row{"Encrypt",
            {{"KeyId", 5}, {"Plaintext", "eA=="}},
            "NUMBER_VALUE can not be converted to a String"},
        {"Encrypt", {{"KeyId", true}, {"Plaintext", "eA=="}}, "TRUE_VALUE can not be converted to a String"},
        {"Encrypt", {{"KeyId", {{"a", "b"}}}}, "Start of structure or map found where not expected."},
        {"Encrypt", {{"KeyId", json::array{}}}, "Start of list found where not expected"},
        {"Encrypt", {{"KeyId", id_}, {"Plaintext", 5}}, "NUMBER_VALUE can not be converted to a Blob"},
        {"Encrypt", {{"KeyId", id_}, {"Plaintext", "e"}}, "The value of plaintext is not base64"},
        {"Encrypt", {{"KeyId", id_}, {"Plaintext", "eA"}}, "The value of plaintext is not base64"},
        {"Encrypt", {{"KeyId", id_}, {"Plaintext", "e_=="}}, "The value of plaintext is not base64"},
        {"Encrypt",
         {{"KeyId", id_}, {"Plaintext", "eA=="}, {"EncryptionContext", {{"a", 1}}}},
         "NUMBER_VALUE can not be converted to a String"},
        {"Encrypt",
         {{"KeyId", id_}, {"Plaintext", "eA=="}, {"EncryptionContext", {{"a", nullptr}}}},
         "NULL_VALUE can not be converted to a String"},
        {"Encrypt",
         {{"KeyId", id_}, {"Plaintext", "eA=="}, {"EncryptionContext", "a=b"}},
         "STRING_VALUE can not be converted to a Map"},
        {"Encrypt",
         {{"KeyId", id_}, {"Plaintext", "eA=="}, {"GrantTokens", "a"}},
         "STRING_VALUE can not be converted to a List"},
        {"Encrypt",
         {{"KeyId", id_}, {"Plaintext", "eA=="}, {"DryRun", "true"}},
         "STRING_VALUE can not be converted to a Boolean"},
        {"GenerateRandom", {{"NumberOfBytes", "5"}}, "STRING_VALUE can not be converted to an Integer"},
        {"GenerateRandom", {{"NumberOfBytes", 5.5}}, "NUMBER_VALUE can not be converted to an Integer"},
        {"GenerateRandom", {{"NumberOfBytes", 1e300}}, "NUMBER_VALUE can not be converted to an Integer"},
        {"GenerateRandom",
         {{"NumberOfBytes", std::uint64_t{18446744073709551615U}}},
         "NUMBER_VALUE can not be converted to an Integer"}}) {
    const ReadAnswer answer = ask(row.operation, row.request);
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.type(), "SerializationException") << answer.body;
    EXPECT_EQ(answer.message(), row.message);
  }
}

TEST_F(CryptoOperations, MissingMembers) {
  EXPECT_EQ(
      ask("Decrypt", {}).message(),
      "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member "
      "must not be null");
  for (const json::object& request :
       {json::object{}, json::object{{"KeyId", nullptr}, {"Plaintext", nullptr}}}) {
    const ReadAnswer answer = ask("Encrypt", request);
    EXPECT_EQ(answer.type(), "ValidationException");
    EXPECT_EQ(
        answer.message(),
        "2 validation errors detected: Value null at 'plaintext' failed to satisfy constraint: Member must "
        "not be null; Value null at 'keyId' failed to satisfy constraint: Member must not be null");
  }
}

TEST_F(CryptoOperations, MembersThatWouldChangeTheMeaning) {
  const json::object recipient{{"Recipient", {{"AttestationDocument", "eA=="}}}};
  for (const auto& [operation, request] :
       {std::pair<const char*, json::object>{"Decrypt", {{"CiphertextBlob", "eA=="}}},
        {"GenerateDataKey", {{"KeyId", id_}, {"KeySpec", "AES_256"}}},
        {"GenerateRandom", {{"NumberOfBytes", 5}}}}) {
    json::object with = request;
    with.insert(recipient.begin(), recipient.end());
    const ReadAnswer answer = ask(operation, with);
    EXPECT_EQ(answer.type(), "UnsupportedOperationException");
    EXPECT_EQ(answer.message(), "This key service does not have Recipient yet.");
  }
  EXPECT_EQ(ask("GenerateRandom", {{"NumberOfBytes", 5}, {"CustomKeyStoreId", "cks-1"}}).type(),
            "UnsupportedOperationException");
  EXPECT_EQ(ask("GenerateRandom", {{"NumberOfBytes", 5}, {"CustomKeyStoreId", nullptr}}).status, 200);
  EXPECT_EQ(ask("GenerateRandom", {{"NumberOfBytes", 5}, {"Unheard", "of"}}).status, 200);
}

TEST_F(CryptoOperations, AnEchoThatIsCutIsStillJson) {
  std::string name(255, 'x');
  for (int i = 0; i < 1000; ++i) name += "\u00fc";
  const ReadAnswer answer = ask("Encrypt", {{"KeyId", name + name}, {"Plaintext", "eA=="}});
  EXPECT_EQ(answer.type(), "ValidationException");
  EXPECT_EQ(answer.message().find('\xc3'), std::string::npos);
}

}  // namespace
}  // namespace enfold
