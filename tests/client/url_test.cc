#include "kms/client/kms_url.h"

#include "tests/kms/support.h"

namespace enfold {
namespace {

TEST(KmsUrl, ReadsEachScheme) {
  struct Case {
    const char* text;
    KmsScheme scheme;
    const char* place;
    int port;
    const char* host_header;
  };
  for (const Case& expected :
       {Case{"embedded:/var/keys", KmsScheme::kEmbedded, "/var/keys", 0, "localhost"},
        Case{"unix:/run/kms.sock", KmsScheme::kUnix, "/run/kms.sock", 0, "localhost"},
        Case{"http://127.0.0.1:8080", KmsScheme::kHttp, "127.0.0.1", 8080, "127.0.0.1:8080"},
        Case{"http://localhost:80/", KmsScheme::kHttp, "localhost", 80, "localhost"},
        Case{"http://[::1]:9", KmsScheme::kHttp, "::1", 9, "[::1]:9"},
        Case{"https://kms.eu-west-1.amazonaws.com", KmsScheme::kHttps, "kms.eu-west-1.amazonaws.com", 443,
             "kms.eu-west-1.amazonaws.com"},
        Case{"https://kms.example:8443", KmsScheme::kHttps, "kms.example", 8443, "kms.example:8443"}}) {
    const auto url = parse_kms_url(expected.text);
    ASSERT_TRUE(url) << expected.text << ": " << describe(url.error());
    EXPECT_EQ(url->scheme, expected.scheme) << expected.text;
    EXPECT_EQ(url->place, expected.place);
    EXPECT_EQ(url->port, expected.port) << expected.text;
    EXPECT_EQ(url->host_header(), expected.host_header);
  }
}

TEST(KmsUrl, IsWrittenInOneWay) {
  for (const auto& [text, normal] :
       std::vector<std::pair<const char*, const char*>>{{"https://KMS.Example:443/", "https://kms.example"},
                                                        {"http://127.0.0.1:80", "http://127.0.0.1"},
                                                        {"http://[::1]:8080/", "http://[::1]:8080"},
                                                        {"unix:/run/kms.sock", "unix:/run/kms.sock"},
                                                        {"embedded:/Keys", "embedded:/Keys"}})
    EXPECT_EQ(parse_kms_url(text).value().normal(), normal);
}

TEST(KmsUrl, RefusesWhatIsNone) {
  for (const char* text : {"", "embedded:", "embedded", "ftp://host", "kms.example", "HTTPS://host"})
    EXPECT_EQ(outcome(parse_kms_url(text)), "unsupported") << text;
  const std::string long_path = "unix:/" + std::string(107, 'p');
  const std::string long_host = "https://" + std::string(254, 'h');
  for (const std::string& text :
       {std::string("unix:"), std::string("unix:relative"), long_path, long_host, std::string("https://"),
        std::string("https://user@host"), std::string("https://host/path"), std::string("https://host:"),
        std::string("https://host:0"), std::string("https://host:65536"), std::string("https://host:8x"),
        std::string("https://[::1"), std::string("https://[::1]8"), std::string("https://[host]"),
        std::string("https://ho st"), std::string("https://host\r\nX: y"), std::string("https://host?x")})
    EXPECT_EQ(outcome(parse_kms_url(text)), "invalid-argument") << text;
}

TEST(KmsUrl, RefusesHttpToAnotherMachine) {
  for (const char* text : {"http://kms.example:80", "http://192.168.1.1", "http://127.0.0.1.example",
                           "http://localhost.example", "http://[::2]:80"}) {
    const auto url = parse_kms_url(text);
    EXPECT_EQ(outcome(url), "invalid-argument") << text;
    EXPECT_NE(url.error().message.find("https"), std::string::npos);
  }
}

TEST(KmsUrl, FindsTheRegionInAnAwsHost) {
  const std::vector<std::pair<const char*, const char*>> hosts{
      {"kms.eu-west-1.amazonaws.com", "eu-west-1"},
      {"kms-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
      {"vpce-0123-abc.kms.us-east-1.vpce.amazonaws.com", "us-east-1"},
      {"kms.cn-north-1.amazonaws.com.cn", "cn-north-1"},
      {"kms.eu-west-1.api.aws", "eu-west-1"},
      {"kms.eu-west-1.amazonaws.com.evil.example", ""},
      {"s3.eu-west-1.amazonaws.com", ""},
      {"kms.amazonaws.com", ""},
      {"amazonaws.com", ""},
      {"127.0.0.1", ""},
      {"", ""}};
  for (const auto& [host, region] : hosts) EXPECT_EQ(region_of_host(host), region) << host;
}

}  // namespace
}  // namespace enfold
