// What the tests of the client share.
#pragma once

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

#include "kms/client/remote_endpoint.h"
#include "tests/client/fake_server.h"
#include "tests/kms/support.h"

namespace enfold {

inline constexpr const char* kTestArn =
    "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555";
inline constexpr const char* kOtherTestArn =
    "arn:aws:kms:eu-west-1:111122223333:key/99999999-2222-3333-4444-555555555555";

// Environment variables as a test wants them, and as they were afterwards.
class Environment {
 public:
  Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    for (const auto& [name, value] : before_) put(name, value);
  }
  void set(const std::string& name, const std::optional<std::string>& value) {
    const char* now = std::getenv(name.c_str());
    before_.try_emplace(name, now == nullptr ? std::nullopt : std::optional<std::string>(now));
    put(name, value);
  }

 private:
  static void put(const std::string& name, const std::optional<std::string>& value) {
    if (value)
      ::setenv(name.c_str(), value->c_str(), 1);
    else
      ::unsetenv(name.c_str());
  }
  std::map<std::string, std::optional<std::string>> before_;
};

// Without anything of the user's, and with an access key.
class ClientEnvironment : public Environment {
 public:
  ClientEnvironment() {
    for (const char* name : {"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION",
                             "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE"})
      set(name, std::nullopt);
    set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    set("AWS_SECRET_ACCESS_KEY", "the-secret-access-key");
    set("AWS_REGION", "eu-west-1");
  }
};

// Times short enough for many tests, and long enough for a busy machine.
inline RemotePolicy quick_policy() {
  RemotePolicy policy;
  policy.call_ns = 1'500 * kNsPerMs;
  policy.pause_ns = 5 * kNsPerMs;
  policy.away_ns = 0;
  policy.pool.connect_ns = 1'000 * kNsPerMs;
  return policy;
}

inline std::shared_ptr<RemoteEndpoint> open_endpoint(const std::string& url,
                                                     const RemotePolicy& policy = quick_policy()) {
  auto parsed = parse_kms_url(url);
  EXPECT_TRUE(parsed) << describe(parsed.error());
  auto endpoint = RemoteEndpoint::open(*std::move(parsed), policy);
  EXPECT_TRUE(endpoint) << describe(endpoint.error());
  return *std::move(endpoint);
}

inline RemoteCall simple_call(std::int64_t timeout_ns = quick_policy().call_ns) {
  return {"TrentService.DescribeKey", {}, R"({"KeyId":"k"})", timeout_ns, true};
}

}  // namespace enfold
