// AWS's own vectors, and what botocore signs.
#include "kms/wire/sigv4.h"
#include "kms/wire/sigv4_canonical.h"
#include "kms/wire/sigv4_time.h"
#include "tests/kms/support.h"

namespace enfold {
namespace {

std::string text_of(const std::string& field) { return as_string(vector_bytes(field)); }

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out{""};
  for (char c : text) {
    if (c == separator)
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

std::vector<OwnedHeader> headers_of(const std::string& field) {
  std::vector<OwnedHeader> out;
  for (const std::string& pair : split(field, ',')) {
    const auto parts = split(pair, '=');
    out.push_back({text_of(parts.at(0)), parts.at(1).empty() ? "" : text_of(parts.at(1))});
  }
  return out;
}

struct Message {
  Message(std::string_view method, const std::string& target_field, const std::string& headers_field,
          const std::string& body_field)
      : target(text_of(target_field)), headers(headers_of(headers_field)), body(text_of(body_field)) {
    view = {.method = method, .target = target, .headers = {}, .body = body};
    for (const OwnedHeader& header : headers) view.headers.push_back({header.name, header.value});
  }
  std::string target;
  std::vector<OwnedHeader> headers;
  std::string body;
  HttpRequestView view;
};

TEST(SigV4, AgreesWithTheSuiteOfAws) {
  constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  const CredentialScope scope{"20150830", "us-east-1", "service"};
  for (const auto& fields : vectors("sigv4_suite.txt")) {
    const Message message(fields.at(1), fields.at(2), fields.at(3), fields.at(4));
    const std::string canonical = canonical_request(message.view, split(text_of(fields.at(5)), ';'),
                                                    to_hex(sha256({as_bytes(message.body)})));
    EXPECT_EQ(canonical, text_of(fields.at(6))) << fields.at(0);
    const std::string text = string_to_sign("20150830T123600Z", scope, canonical);
    EXPECT_EQ(text, text_of(fields.at(7))) << fields.at(0);
    EXPECT_EQ(signature_of(as_bytes(kSecret), scope, text), fields.at(8)) << fields.at(0);
  }
}

TEST(SigV4, AcceptsWhatBotocoreSigns) {
  for (const auto& fields : vectors("sigv4_botocore.txt")) {
    Message message("POST", fields.at(7), fields.at(8), fields.at(9));
    const std::string authorization = text_of(fields.at(10));
    message.view.headers.push_back({"Authorization", authorization});
    const auto claim = read_signature(message.view);
    ASSERT_TRUE(claim) << fields.at(0) << claim.error().message;
    EXPECT_EQ(claim->access_key_id, fields.at(2));
    EXPECT_EQ(claim->region, fields.at(5));
    const Bytes secret = vector_bytes(fields.at(3));
    const auto verified = verify_signature(message.view, *claim, secret, std::stoll(fields.at(6)));
    EXPECT_TRUE(verified) << fields.at(0) << verified.error().message;
  }
}

TEST(SigV4, SignsAsBotocoreDoes) {
  int same = 0;
  for (const auto& fields : vectors("sigv4_botocore.txt")) {
    if (fields.at(1) != "1") continue;
    ++same;
    Message message("POST", fields.at(7), fields.at(8), fields.at(9));
    std::erase_if(message.view.headers, [](const HeaderView& header) {
      return is_header(header.name, "x-amz-date") || is_header(header.name, "x-amz-security-token");
    });
    const Bytes secret = vector_bytes(fields.at(3));
    const std::string token = text_of(fields.at(4));
    const auto added =
        sign_request(message.view, {fields.at(2), secret, token}, fields.at(5), std::stoll(fields.at(6)));
    EXPECT_EQ(added.size(), token.empty() ? 2U : 3U);
    EXPECT_EQ(added.back().name, "Authorization");
    EXPECT_EQ(added.back().value, text_of(fields.at(10))) << fields.at(0);
  }
  EXPECT_GT(same, 3);
}

TEST(SigV4, ReadsAndWritesTimes) {
  EXPECT_EQ(amz_date(0), "19700101T000000Z");
  EXPECT_EQ(amz_date(1'795'297'212'999), "20261121T214012Z");
  EXPECT_EQ(parse_amz_date("20261121T214012Z"), 1'795'297'212'000);
  EXPECT_EQ(parse_http_date("Sat, 21 Nov 2026 21:40:12 GMT"), 1'795'297'212'000);
  EXPECT_EQ(parse_http_date("20261121T214012Z"), 1'795'297'212'000);
  EXPECT_EQ(parse_amz_date("20240229T000000Z"), 1'709'164'800'000);
  for (const char* bad : {"", "20261121", "20261121T214012", "20261121t214012z", "20261321T214012Z",
                          "20230229T000000Z", "20261121T244012Z", "20261121T216012Z", "2026-11-21T21:40:12Z",
                          "2026112 T214012Z", "19691231T235959Z", "Sat, 21 Nov 2026 21:40:12 GMT"})
    EXPECT_EQ(parse_amz_date(bad), std::nullopt) << bad;
  for (const char* bad : {"Sat, 21 Nob 2026 21:40:12 GMT", "Sat, 21 Nov 2026 21:40:12 CET",
                          "Sat, 31 Nov 2026 21:40:12 GMT", "Saturday, 21-Nov-26 21:40:12 GMT"})
    EXPECT_EQ(parse_http_date(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace enfold
