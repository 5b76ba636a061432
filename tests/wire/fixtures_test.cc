// Requests as AWS's own clients send them, recorded: the same GenerateDataKey from boto3 and awscli of Debian
// and from @aws-sdk/client-kms 3.967. Lines end with CR LF on the wire; the key is that of AWS's examples.
#include <fstream>
#include <sstream>

#include "kms/wire/sigv4_time.h"
#include "tests/wire/service_world.h"

namespace enfold {
namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

OwnedRequest recorded(const std::string& name) {
  std::ifstream file(ENFOLD_SOURCE_DIR "/tests/vectors/wire/" + name + ".http");
  EXPECT_TRUE(file) << name;
  OwnedRequest out;
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, "POST / HTTP/1.1");
  while (std::getline(file, line) && !line.empty()) {
    const auto colon = line.find(": ");
    out.headers.push_back({line.substr(0, colon), line.substr(colon + 2)});
  }
  std::getline(file, out.body);
  EXPECT_EQ(out.value("content-length"), std::to_string(out.body.size()));
  return out;
}

class Recorded : public ServiceWorld, public ::testing::WithParamInterface<const char*> {};

TEST_P(Recorded, IsVerified) {
  OwnedRequest request = recorded(GetParam());
  const std::int64_t now = parse_amz_date(request.value("x-amz-date")).value();
  const auto claim = read_signature(request.view());
  ASSERT_TRUE(claim) << claim.error().message;
  EXPECT_EQ(claim->access_key_id, "AKIDEXAMPLE");
  EXPECT_EQ(claim->region, "us-east-1");
  const auto verified = verify_signature(request.view(), *claim, as_bytes(kSecret), now);
  EXPECT_TRUE(verified) << verified.error().message;
  for (const std::string& name : claim->signed_headers) {
    if (name == "x-amz-date") continue;
    OwnedRequest changed = request;
    changed.value(name) += "1";
    const HttpRequestView view = changed.view();
    EXPECT_FALSE(verify_signature(view, *claim, as_bytes(kSecret), now)) << name;
  }
}

TEST_P(Recorded, ByAnUnknownKey) {
  OwnedRequest request = recorded(GetParam());
  clock_.now_ms = parse_amz_date(request.value("x-amz-date")).value();
  EXPECT_EQ(send(request, tcp_).type(), "UnrecognizedClientException");
}

TEST_P(Recorded, IsAnsweredOverTheUnixSocket) {
  OwnedRequest request = recorded(GetParam());
  request.erase("authorization");
  const std::string id = new_key();
  request.body.replace(request.body.find("alias/demo"), 10, id);
  const ReadAnswer answer = send(request, alice_);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.text("Plaintext").size(), 44U);
  EXPECT_EQ(answer.text("KeyId"), "arn:aws:kms:local:111122223333:key/" + id);
}

INSTANTIATE_TEST_SUITE_P(Clients, Recorded, ::testing::Values("boto3", "awscli", "javascript"),
                         [](const auto& param) { return std::string(param.param); });

}  // namespace
}  // namespace enfold
