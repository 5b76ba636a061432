// What stands around the operations: protocol, identity, errors.
#include <unistd.h>

#include <boost/json.hpp>
#include <set>

#include "kms/wire/kms_operations.h"
#include "tests/wire/service_world.h"

namespace enfold {
namespace {

namespace json = boost::json;

class ServiceTest : public ServiceWorld {};

TEST_F(ServiceTest, AnswersASignedAndAnUnsignedPing) {
  for (const ReadAnswer& answer : {call("Enfold.Ping"), send(signed_request("Enfold.Ping", "{}"), tcp_)}) {
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.content_type, "application/x-amz-json-1.1");
    EXPECT_EQ(answer.body, R"({"Version":"0.1.0","Operations":["BatchDecrypt","BatchReEncrypt","Ping"]})");
  }
}

TEST_F(ServiceTest, ALargeBodyIsParsedOnlyForWhoIsKnown) {
  const std::string small = "[";
  const std::string large(300'000, '[');
  EXPECT_EQ(send(request("Enfold.BatchDecrypt", small), tcp_).type(), "SerializationException");
  EXPECT_EQ(send(request("Enfold.BatchDecrypt", large), tcp_).type(), "MissingAuthenticationTokenException");
  EXPECT_EQ(send(signed_request("Enfold.BatchDecrypt", large), tcp_).type(), "SerializationException");
}

TEST_F(ServiceTest, EachAnswerHasAnIdOfItsOwn) {
  std::set<std::string> ids;
  for (int i = 0; i < 10; ++i) {
    const std::string id = i % 2 == 0 ? call("Enfold.Ping").request_id : call("No.Such").request_id;
    EXPECT_EQ(id.size(), 36U);
    EXPECT_EQ(id[14], '4');
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 10U);
}

TEST_F(ServiceTest, WhatIsNoRequestOfThisProtocol) {
  const OwnedRequest good = request("Enfold.Ping", "{}");
  for (const char* method : {"GET", "PUT", "OPTIONS", "post", ""}) {
    OwnedRequest bad = good;
    bad.method = method;
    const ReadAnswer answer = send(bad, alice_);
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.body, R"({"__type":"UnknownOperationException"})");
  }
  for (const char* path : {"/x", "", "//", "/index.html?a=/", "*"}) {
    OwnedRequest bad = good;
    bad.target = path;
    EXPECT_EQ(send(bad, alice_).status, 404) << path;
  }
  for (const char* type : {"", "application/json", "text/plain", "application/x-amz-json-1.10",
                           "application/x-www-form-urlencoded"}) {
    OwnedRequest bad = good;
    bad.value("content-type") = type;
    EXPECT_EQ(send(bad, alice_).status, 404) << type;
  }
  OwnedRequest with_parameter = good;
  with_parameter.value("content-type") = "Application/X-Amz-Json-1.1 ; charset=utf-8";
  with_parameter.target = "/?ignored=1";
  EXPECT_EQ(send(with_parameter, alice_).status, 200);
}

TEST_F(ServiceTest, TargetsThatNameNothing) {
  for (const char* target : {"", "TrentService.", "TrentService", "TrentService.encrypt", "Encrypt",
                             "Enfold.Pin", "Enfold.Ping ", "TrentService.Enfold.Ping", "kms.Encrypt"}) {
    OwnedRequest bad = request("Enfold.Ping", "{}");
    bad.value("x-amz-target") = target;
    const ReadAnswer answer = send(bad, alice_);
    EXPECT_EQ(answer.status, 400) << target;
    EXPECT_EQ(answer.body, R"({"__type":"UnknownOperationException"})") << target;
  }
}

TEST_F(ServiceTest, WhatAwsHasAndWeDoNotServe) {
  for (const char* name :
       {"Sign", "CreateGrant", "GetKeyPolicy", "PutKeyPolicy", "GenerateMac", "ReplicateKey", "GetPublicKey",
        "GetKeyLastUsage", "ListGrants", "ImportKeyMaterial"}) {
    const ReadAnswer answer = call(name);
    EXPECT_EQ(answer.status, 400) << name;
    EXPECT_EQ(answer.type(), "UnsupportedOperationException") << name;
  }
  EXPECT_EQ(call_as(kStrangerUnixId, "Sign").type(), "AccessDeniedException") << "only to who may ask at all";
}

TEST_F(ServiceTest, WhatIsNoJsonObject) {
  std::string deep;
  for (int i = 0; i < 40'000; ++i) deep += R"({"a":)";
  for (const std::string& body :
       {std::string(), std::string("null"), std::string("[]"), std::string("{"), std::string("{}x"),
        std::string("{'a':1}"), std::string(R"({"a":1,})"), std::string("{\"a\":\"\xff\"}"),
        std::string("\xef\xbb\xbf{}"), std::string(R"({"a":"\ud800"})"), std::string(R"({"a":NaN})"),
        std::string(R"({"a":01})"), deep, std::string("{\"a\":\"\n\"}")}) {
    const ReadAnswer answer = call("Enfold.Ping", body);
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, R"({"__type":"SerializationException"})") << body.substr(0, 20);
  }
  EXPECT_EQ(call("Enfold.Ping", " {\"unknown\" : [1, {\"a\": null}], \"u\": \"\\u00fc\"}\n").status, 200);
}

TEST_F(ServiceTest, BodiesThatAreTooLarge) {
  const std::size_t limit = KmsService::Limits().body;
  const std::string large = "{\"a\":\"" + std::string(limit, 'x') + "\"}";
  EXPECT_EQ(call("Enfold.Ping", large).status, 413);
  EXPECT_EQ(call("Enfold.BatchDecrypt", large).status, 400) << "read, and refused for its content";
  const OwnedRequest batch = request("Enfold.BatchDecrypt", "{}");
  EXPECT_EQ(service_->body_limit(request("Decrypt", "{}").view(), alice_), limit);
  EXPECT_EQ(service_->body_limit(batch.view(), alice_), KmsService::Limits().batch_body);
  EXPECT_EQ(service_->body_limit(batch.view(), {kStrangerUnixId}), limit);
  EXPECT_EQ(service_->body_limit(batch.view(), tcp_), limit);
  OwnedRequest signed_batch = signed_request("Enfold.BatchDecrypt", "{}");
  EXPECT_EQ(service_->body_limit(signed_batch.view(), tcp_), KmsService::Limits().batch_body);
  signed_batch.value("authorization")
      .replace(signed_batch.value("authorization").find("AKIA"), 8, "AKIAAAAA");
  EXPECT_EQ(service_->body_limit(signed_batch.view(), tcp_), limit);
}

TEST_F(ServiceTest, AStrangerOfThisMachine) {
  for (const char* name : {"Enfold.Ping", "Enfold.AddPrincipal", "ListKeys", "GenerateRandom"}) {
    const ReadAnswer answer = call_as(kStrangerUnixId, name);
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.type(), "AccessDeniedException");
    EXPECT_EQ(
        answer.message(),
        "The Unix user 4712 is no principal of this key service: `enfold principal add NAME --unix-user "
        "4712`, as root or the key service's own user, makes it one");
  }
}

TEST_F(ServiceTest, OverTcpASignatureIsNeeded) {
  const ReadAnswer none = send(request("Enfold.Ping", "{}"), tcp_);
  EXPECT_EQ(none.status, 400);
  EXPECT_EQ(
      none.body,
      R"({"__type":"MissingAuthenticationTokenException","message":"Request is missing Authentication Token"})");
  const ReadAnswer good = send(signed_request("ListKeys", "{}"), tcp_);
  EXPECT_EQ(good.status, 200) << good.body;
}

TEST_F(ServiceTest, AnUnknownAccessKeyAndASessionOfAKnownOne) {
  for (const char* token : {"", "FwoGZXIvYXdzEXAMPLE"}) {
    OwnedRequest bad = request("Enfold.Ping", "{}");
    const SigningKey key{*token == 0 ? std::string_view("AKIAAAAAAAAAAAAAAAAA") : access_key_.id,
                         access_key_.secret.expose(), token};
    for (OwnedHeader& header : sign_request(bad.view(), key, "eu-west-1", clock_.unix_ms()))
      bad.headers.push_back(std::move(header));
    const ReadAnswer answer = send(bad, tcp_);
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.type(), "UnrecognizedClientException");
    EXPECT_EQ(answer.message(), "The security token included in the request is invalid.");
  }
}

TEST_F(ServiceTest, ASignatureThatIsWrongCountsOverTheUnixSocketToo) {
  OwnedRequest bad = signed_request("Enfold.Ping", "{}");
  bad.body = "{ }";
  EXPECT_EQ(send(bad, alice_).type(), "InvalidSignatureException");
  EXPECT_EQ(send(bad, {0}).type(), "InvalidSignatureException");
  EXPECT_EQ(send(signed_request("Enfold.Ping", "{}"), {kStrangerUnixId}).status, 200)
      << "the signature counts";
  clock_.now_ms += 1000 * 60 * 6;
  EXPECT_EQ(send(signed_request("Enfold.Ping", "{}"), tcp_).status, 200);
}

TEST_F(ServiceTest, ARemovedAccessKeyIsUnknownAtOnce) {
  const OwnedRequest ping = signed_request("Enfold.Ping", "{}");
  EXPECT_EQ(send(ping, tcp_).status, 200);
  ASSERT_TRUE(engine_->delete_access_key(access_key_.id));
  EXPECT_EQ(send(ping, tcp_).type(), "UnrecognizedClientException");
}

TEST_F(ServiceTest, RegionAndAccountComeWithTheCaller) {
  const auto arn_of = [](const ReadAnswer& answer) {
    return std::string(answer.json().at("KeyMetadata").at("Arn").as_string());
  };
  EXPECT_TRUE(arn_of(call("CreateKey")).starts_with("arn:aws:kms:local:111122223333:key/"));
  OwnedRequest elsewhere = request("CreateKey", "{}");
  elsewhere.headers.push_back({"X-Enfold-Region", "eu-central-1"});
  const std::string arn = arn_of(send(elsewhere, alice_));
  EXPECT_TRUE(arn.starts_with("arn:aws:kms:eu-central-1:111122223333:key/")) << arn;
  EXPECT_TRUE(arn_of(send(signed_request("CreateKey", "{}", "us-east-2"), tcp_))
                  .starts_with("arn:aws:kms:us-east-2:111122223333:key/"));
  EXPECT_TRUE(arn_of(send(signed_request("CreateKey", "{}", "us-east-2"), alice_))
                  .starts_with("arn:aws:kms:us-east-2:111122223333:key/"));
  for (const char* region : {"EU", "a b", "x/y", "123456789012345678901234567890123"}) {
    elsewhere.value("x-enfold-region") = region;
    EXPECT_EQ(send(elsewhere, alice_).type(), "ValidationException") << region;
  }
  const std::string id = arn.substr(arn.rfind('/') + 1);
  const ReadAnswer here = call("DescribeKey", json::serialize(json::object{{"KeyId", arn}}));
  EXPECT_EQ(here.type(), "NotFoundException");
  EXPECT_EQ(here.message(), "Invalid arn eu-central-1");
  EXPECT_EQ(call("DescribeKey", json::serialize(json::object{{"KeyId", id}})).type(), "NotFoundException");
}

TEST_F(ServiceTest, AdministratorsHaveNoRightsOverKeys) {
  for (std::uint32_t id : {std::uint32_t{0}, std::uint32_t{::geteuid()}}) {
    EXPECT_EQ(call_as(id, "Enfold.ListPrincipals").status, 200);
    EXPECT_EQ(call_as(id, "Enfold.Ping").status, 200);
    EXPECT_EQ(call_as(id, "CreateKey").type(), "AccessDeniedException");
    EXPECT_EQ(call_as(id, "Sign").type(), "AccessDeniedException");
    EXPECT_EQ(call_as(id, "GenerateRandom", R"({"NumberOfBytes":8})").type(), "AccessDeniedException");
  }
}

TEST_F(ServiceTest, OnlyAdministratorsAdminister) {
  for (const char* name :
       {"AddPrincipal", "ListPrincipals", "RemovePrincipal", "CreateAccessKey", "DeleteAccessKey"}) {
    const std::string target = "Enfold." + std::string(name);
    const std::string expected =
        "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: enfold:" +
        std::string(name) +
        ": only root and the user of the key service itself are, unsigned over its Unix "
        "socket";
    for (const ReadAnswer& answer :
         {call(target), send(signed_request(target, "{}"), tcp_), send(signed_request(target, "{}"), {0})}) {
      EXPECT_EQ(answer.type(), "AccessDeniedException");
      EXPECT_EQ(answer.message(), expected);
    }
  }
}

class Observer final : public FailureObserver {
 public:
  void on_failure(const Error& error) override { seen.push_back(describe(error)); }
  std::vector<std::string> seen;
};

TEST_F(ServiceTest, WhatFailsInsideIsToldToTheLogAlone) {
  Observer observer;
  service_->observe_failures(observer);
  new_key();
  EXPECT_TRUE(observer.seen.empty());
  raw_sql(temp_ / "kms", "UPDATE record SET sealed = x'00'");
  const ReadAnswer answer = call("ListKeys");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, R"({"__type":"KMSInternalException"})");
  ASSERT_EQ(observer.seen.size(), 1U);
  EXPECT_FALSE(observer.seen.front().empty());
}

TEST_F(ServiceTest, ARefusalIsJsonWhateverItSays) {
  const HttpAnswer answer = service_->refuse({.type = "X", .message = "a \"\n cut \xe2\x82", .status = 431});
  EXPECT_EQ(answer.status, 431);
  EXPECT_EQ(std::string(answer.body), R"({"__type":"X","message":"a \"\n cut "})");
}

TEST_F(ServiceTest, OneCallWithoutHttp) {
  KmsOperations operations(*engine_);
  const json::object request({{"Description", "here"}}, wiping_storage());
  const auto answer = operations.call(local_scope(), true, "TrentService.CreateKey", request);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->at("KeyMetadata").at("Description").as_string(), "here");
  EXPECT_TRUE(operations.call(local_scope(), true, "Enfold.ListPrincipals", {}));
  EXPECT_EQ(operations.call(local_scope(), false, "Enfold.ListPrincipals", {}).error().type,
            "AccessDeniedException");
  EXPECT_EQ(operations.call(local_scope(), true, "TrentService.Nothing", {}).error().type,
            "UnknownOperationException");
  raw_sql(temp_ / "kms", "UPDATE record SET sealed = x'00'");
  const auto broken = operations.call(local_scope(), true, "TrentService.ListKeys", {});
  ASSERT_FALSE(broken);
  EXPECT_EQ(name_of(error_of_answer(broken.error()).code), "store-tampered") << "with its cause";
}

}  // namespace
}  // namespace enfold
