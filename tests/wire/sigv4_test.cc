// What the verifier refuses, and what it takes for the same.
#include "kms/wire/sigv4.h"

#include "kms/wire/sigv4_canonical.h"
#include "tests/wire/service_world.h"

namespace enfold {
namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::int64_t kNow = 1'795'297'212'000;

OwnedRequest plain_request() {
  OwnedRequest out;
  out.headers = {{"Host", "localhost:8080"},
                 {"Content-Type", "application/x-amz-json-1.1"},
                 {"X-Amz-Target", "TrentService.DescribeKey"},
                 {"X-Amz-User-Agent", "a  b"}};
  out.body = R"({"KeyId":"alias/demo"})";
  return out;
}

void sign(OwnedRequest& request, std::string_view secret = kSecret, std::int64_t now = kNow,
          std::string_view token = {}) {
  for (OwnedHeader& header :
       sign_request(request.view(), {"AKIDEXAMPLE", as_bytes(secret), token}, "eu-west-1", now))
    request.headers.push_back(std::move(header));
}

OwnedRequest signed_one() {
  OwnedRequest out = plain_request();
  sign(out);
  return out;
}

// The class of the error, and its message where `with_message`.
std::string verdict(const OwnedRequest& request, std::int64_t now = kNow, bool with_message = false) {
  const auto tell = [&](const AwsError& error) {
    EXPECT_EQ(error.status, 400);
    return error.type + (with_message ? ": " + error.message : "");
  };
  const HttpRequestView view = request.view();
  const auto claim = read_signature(view);
  if (!claim) return tell(claim.error());
  const auto verified = verify_signature(view, *claim, as_bytes(kSecret), now);
  return verified ? "ok" : tell(verified.error());
}

void replace(std::string& text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
}

template <class Change>
std::string with_authorization(Change change, bool with_message = false) {
  OwnedRequest request = signed_one();
  change(request.value("authorization"));
  return verdict(request, kNow, with_message);
}

std::string with_replaced(const std::string& from, const std::string& to) {
  OwnedRequest request = signed_one();
  replace(request.value("authorization"), from, to);
  return verdict(request);
}

constexpr auto kInvalid = "InvalidSignatureException";
constexpr auto kIncomplete = "IncompleteSignatureException";
constexpr auto kMissing = "MissingAuthenticationTokenException";

TEST(SigV4Refusals, AcceptsWhatItSigned) {
  EXPECT_EQ(verdict(signed_one()), "ok");
  OwnedRequest with_token = plain_request();
  sign(with_token, kSecret, kNow, "a/token==");
  EXPECT_EQ(verdict(with_token), "ok");
  EXPECT_NE(with_token.value("authorization").find("x-amz-security-token"), std::string::npos);
}

TEST(SigV4Refusals, EachSignedPart) {
  const OwnedRequest good = signed_one();
  for (const OwnedHeader& header : good.headers) {
    if (is_header(header.name, "authorization") || is_header(header.name, "x-amz-date")) continue;
    OwnedRequest changed = good;
    changed.value(header.name) += "x";
    EXPECT_EQ(verdict(changed), kInvalid) << header.name;
    OwnedRequest without = good;
    without.erase(header.name);
    EXPECT_NE(verdict(without), "ok") << header.name;
    OwnedRequest twice = good;
    twice.headers.push_back({header.name, header.value});
    EXPECT_NE(verdict(twice), "ok") << header.name;
  }
  OwnedRequest body = good;
  body.body += " ";
  EXPECT_EQ(verdict(body), kInvalid);
  OwnedRequest method = good;
  method.method = "PUT";
  EXPECT_EQ(verdict(method), kInvalid);
  for (const char* target : {"/x", "/?", "/?a=b", "//"}) {
    OwnedRequest path = good;
    path.target = target;
    EXPECT_EQ(verdict(path),
              std::string_view(target) == "/?" || std::string_view(target) == "//" ? "ok" : kInvalid)
        << target << ": empty segments and queries are none";
  }
}

TEST(SigV4Refusals, AnotherSecretKeyRegionServiceOrDate) {
  OwnedRequest other_secret = plain_request();
  sign(other_secret, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEX");
  EXPECT_EQ(
      verdict(other_secret, kNow, true),
      "InvalidSignatureException: The request signature we calculated does not match the signature you "
      "provided. Check your AWS Secret Access Key and signing method. Consult the service documentation "
      "for details.");
  EXPECT_EQ(with_authorization([](auto& text) { replace(text, "eu-west-1", "eu-west-2"); }), kInvalid);
  EXPECT_EQ(with_authorization([](auto& text) { replace(text, "/kms/", "/s3/"); }, true),
            "InvalidSignatureException: Credential should be scoped to correct service: 'kms'. ");
  EXPECT_EQ(with_authorization([](auto& text) { replace(text, "aws4_request", "aws4"); }, true),
            "InvalidSignatureException: Credential should be scoped with a valid terminator: 'aws4_request', "
            "not 'aws4'. ");
  EXPECT_EQ(
      with_authorization([](auto& text) { replace(text, "20261121", "20261122"); }, true),
      "InvalidSignatureException: Date in Credential scope does not match YYYYMMDD from ISO-8601 version "
      "of date from HTTP: '20261122' != '20261121', from '20261121T214012Z'. ");
  EXPECT_EQ(with_authorization([](auto& text) { replace(text, "eu-west-1/kms", "EU/s3"); }, true),
            "InvalidSignatureException: Credential should be scoped to a valid region. Credential should be "
            "scoped to correct service: 'kms'. ");
  OwnedRequest other_time = signed_one();
  other_time.value("x-amz-date") = "20261121T214013Z";
  EXPECT_EQ(verdict(other_time), kInvalid);
}

TEST(SigV4Refusals, AClockTooFarOff) {
  const OwnedRequest request = signed_one();
  constexpr std::int64_t kFive = std::int64_t{5} * 60 * 1000;
  for (std::int64_t skew : {std::int64_t{0}, kFive, -kFive})
    EXPECT_EQ(verdict(request, kNow + skew), "ok") << skew;
  EXPECT_EQ(verdict(request, kNow + kFive + 1000, true),
            "InvalidSignatureException: Signature expired: 20261121T214012Z is now earlier than "
            "20261121T214013Z (20261121T214513Z - 5 min.)");
  EXPECT_EQ(verdict(request, kNow - kFive - 1000, true),
            "InvalidSignatureException: Signature not yet current: 20261121T214012Z is still later than "
            "20261121T214011Z (20261121T213511Z + 5 min.)");
  EXPECT_EQ(verdict(request, kNow + kFive + 1), kInvalid);
  EXPECT_EQ(verdict(request, kNow - kFive - 1), kInvalid);
}

TEST(SigV4Refusals, MissingPieces) {
  OwnedRequest none = plain_request();
  EXPECT_EQ(verdict(none, kNow, true),
            "MissingAuthenticationTokenException: Request is missing Authentication Token");
  EXPECT_EQ(with_authorization([](auto& text) { text = ""; }), kMissing);
  EXPECT_EQ(with_authorization([](auto& text) { text = "Basic YTpi"; }), kMissing);
  EXPECT_EQ(
      with_authorization([](auto& text) { text = "AWS4-HMAC-SHA256"; }, true),
      "IncompleteSignatureException: Authorization header requires 'Credential' parameter. Authorization "
      "header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. ");
  EXPECT_EQ(with_authorization([](auto& text) { replace(text, ", Signature=", ", Sig="); }, true),
            "IncompleteSignatureException: Authorization header requires 'Signature' parameter. ");
  OwnedRequest no_date = signed_one();
  no_date.erase("x-amz-date");
  EXPECT_EQ(
      verdict(no_date, kNow, true),
      "IncompleteSignatureException: Authorization header requires existence of either a 'X-Amz-Date' or "
      "a 'Date' header. ");
  for (const auto& [name, expected] : {std::pair{"content-type;", kInvalid},
                                       {"host;", kInvalid},
                                       {"x-amz-date;", kInvalid},
                                       {"x-amz-target;", kInvalid}})
    EXPECT_EQ(with_authorization([&](auto& text) { replace(text, name, ""); }), expected) << name;
}

TEST(SigV4Refusals, TheTargetUnsigned) {
  OwnedRequest request = plain_request();
  request.erase("x-amz-target");
  sign(request);
  request.headers.push_back({"X-Amz-Target", "TrentService.ScheduleKeyDeletion"});
  EXPECT_EQ(verdict(request, kNow, true),
            "InvalidSignatureException: 'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.");
}

TEST(SigV4Refusals, MalformedAuthorization) {
  const std::vector<std::pair<std::string, std::string>> changes{
      {"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"},
      {"AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"},
      {"AKIDEXAMPLE/", ""},
      {"AKIDEXAMPLE/", "AKIDEXAMPLE//"},
      {"/aws4_request", "/aws4_request/"},
      {"Signature=", "Signature"},
      {"Signature=", "Signature=x, Signature="},
      {"SignedHeaders=", "SignedHeaders=;"},
      {"content-type;host", "host;content-type"},
      {"content-type;", "Content-Type;"},
      {"content-type;", "content-type;content-type;"},
      {"content-type;", "content-type;;"},
      {"content-type;", "content type;"}};
  for (const auto& [from, to] : changes) EXPECT_EQ(with_replaced(from, to), kIncomplete) << to;
  EXPECT_EQ(with_authorization([](auto& text) { replace(text, "AKIDEXAMPLE", ""); }),
            "UnrecognizedClientException");
  EXPECT_EQ(with_authorization([](auto& text) { text.pop_back(); }), kInvalid);
  EXPECT_EQ(with_authorization([](auto& text) { text += "0"; }), kInvalid);
  EXPECT_EQ(with_authorization([](auto& text) { text.back() = text.back() == 'a' ? 'b' : 'a'; }), kInvalid);
  OwnedRequest twice = signed_one();
  twice.headers.push_back({"authorization", twice.value("authorization")});
  EXPECT_EQ(verdict(twice), kIncomplete);
}

TEST(SigV4Refusals, AbsurdLengths) {
  EXPECT_EQ(with_authorization([](auto& text) { text += std::string(100'000, 'a'); }), kIncomplete);
  EXPECT_EQ(with_authorization([](auto& text) { replace(text, "AKIDEXAMPLE", std::string(200, 'A')); }),
            "UnrecognizedClientException");
  EXPECT_EQ(with_authorization([](auto& text) { replace(text, "eu-west-1", std::string(33, 'a')); }),
            kInvalid);
  std::string many;
  for (int i = 100; i < 200; ++i) many += "a" + std::to_string(i) + ";";
  EXPECT_EQ(with_authorization([&](auto& text) { replace(text, "SignedHeaders=", "SignedHeaders=" + many); }),
            kIncomplete);
  OwnedRequest date = signed_one();
  date.value("x-amz-date") = std::string(5000, '2');
  EXPECT_EQ(verdict(date), kIncomplete);
  EXPECT_LT(verdict(date, kNow, true).size(), 300U) << "a message repeats only so much";
}

TEST(SigV4Refusals, ThePayloadHash) {
  OwnedRequest request = plain_request();
  request.headers.push_back({"x-amz-content-sha256", to_hex(sha256({as_bytes(request.body)}))});
  OwnedRequest good = request;
  sign(good);
  EXPECT_EQ(verdict(good), "ok");
  for (const char* value : {"UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "",
                            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}) {
    OwnedRequest bad = request;
    bad.value("x-amz-content-sha256") = value;
    sign(bad);
    EXPECT_EQ(verdict(bad), kInvalid) << value;
  }
}

TEST(SigV4Refusals, WhatIsTheSameHeader) {
  OwnedRequest request = signed_one();
  for (OwnedHeader& header : request.headers)
    for (char& c : header.name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  request.value("x-amz-user-agent") = "  a \t b ";
  std::ranges::reverse(request.headers);
  EXPECT_EQ(verdict(request), "ok") << "case, order and spaces do not matter";
  request.value("x-amz-user-agent") = "ab";
  EXPECT_EQ(verdict(request), kInvalid);

  OwnedRequest repeated = plain_request();
  repeated.headers.push_back({"X-Amz-Meta", "1"});
  repeated.headers.push_back({"x-amz-meta", "2"});
  sign(repeated);
  EXPECT_EQ(verdict(repeated), "ok");
  repeated.erase("x-amz-meta");
  repeated.headers.push_back({"X-Amz-Meta", "2"});
  repeated.headers.push_back({"x-amz-meta", "1"});
  EXPECT_EQ(verdict(repeated), kInvalid) << "the order of a header's values matters";
}

TEST(SigV4Refusals, ADateHeaderWillDo) {
  OwnedRequest request = plain_request();
  request.headers.push_back({"Date", "Sat, 21 Nov 2026 21:40:12 GMT"});
  const std::vector<std::string> names{"date", "host", "x-amz-target"};
  const CredentialScope scope{"20261121", "eu-west-1", "kms"};
  const std::string canonical =
      canonical_request(request.view(), names, to_hex(sha256({as_bytes(request.body)})));
  const std::string signature =
      signature_of(as_bytes(kSecret), scope, string_to_sign("20261121T214012Z", scope, canonical));
  request.headers.push_back({"authorization",
                             "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/eu-west-1/kms/aws4_request,"
                             "SignedHeaders=date;host;x-amz-target,Signature=" +
                                 signature});
  EXPECT_EQ(verdict(request), "ok");
  request.headers.push_back({"X-Amz-Date", "20261121T214012Z"});
  EXPECT_EQ(verdict(request), kInvalid) << "which would then count, unsigned";
}

// To sign a header that is not there as an empty one would let somebody take an empty header off.
TEST(SigV4Refusals, ASignedHeaderThatIsNotThere) {
  OwnedRequest request = plain_request();
  request.headers.push_back({"X-Amz-Meta", ""});
  sign(request);
  EXPECT_EQ(verdict(request), "ok");
  request.erase("x-amz-meta");
  EXPECT_EQ(verdict(request), kInvalid);
}

TEST(SigV4Refusals, RegionNames) {
  for (const char* good : {"a", "us-east-1", "local", "abcdefghijklmnopqrstuvwxyz012345"})
    EXPECT_TRUE(is_region_name(good)) << good;
  for (const char* bad : {"", "US", "a b", "a/b", "\xc3\xbc", "abcdefghijklmnopqrstuvwxyz0123456"})
    EXPECT_FALSE(is_region_name(bad)) << bad;
}

}  // namespace
}  // namespace enfold
