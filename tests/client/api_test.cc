#include <unistd.h>

#include <boost/json.hpp>

#include "kms/client/embedded_api.h"
#include "kms/client/remote_api.h"
#include "kms/client/wiped_json.h"
#include "kms/wire/kms_service.h"
#include "tests/client/support.h"

namespace enfold {
namespace {

namespace json = boost::json;

// The store in this process, and the same behind HTTP.
class KmsApiTest : public ::testing::TestWithParam<bool> {
 protected:
  KmsApiTest() {
    make_store(temp_ / "kms");
    engine_ = open_engine(temp_ / "kms");
    service_.emplace(*engine_, clock_, entropy_, "local");
    server_.emplace(
        [this](FakeSocket& socket, const FakeRequest& request, int /*number*/) {
          HttpRequestView view{"POST", "/", {}, request.body};
          const std::string target = request.target();
          const std::string region = request.header("x-enfold-region");
          view.headers = {{"X-Amz-Target", target}, {"Content-Type", "application/x-amz-json-1.1"}};
          if (!region.empty()) view.headers.push_back({"x-enfold-region", region});
          const HttpAnswer answer = service_->handle(view, {::geteuid()});
          socket.answer(answer.status, std::string(answer.body));
        },
        temp_ / "kms.sock");
    EXPECT_TRUE(engine_->add_principal({local_scope().account, "me", {::geteuid()}}));
    environment_.set("AWS_REGION", std::nullopt);
    api_ = GetParam() ? make_remote_api(open_endpoint(server_->url())) : make_embedded_api(engine_);
  }

  ClientEnvironment environment_;
  TempDir temp_;
  SystemClock clock_;
  SystemEntropy entropy_;
  std::shared_ptr<Engine> engine_;
  std::optional<KmsService> service_;
  std::optional<FakeServer> server_;
  std::unique_ptr<KmsApi> api_;
};
INSTANTIATE_TEST_SUITE_P(Services, KmsApiTest, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "Remote" : "Embedded"; });

TEST_P(KmsApiTest, AdministersKeysInTheirRegions) {
  const auto made = api_->call("TrentService.CreateKey", "eu-west-1", {{"Description", "one"}});
  ASSERT_TRUE(made) << describe(made.error());
  const std::string arn = text_in(*object_in(*made, "KeyMetadata"), "Arn");
  EXPECT_TRUE(arn.starts_with("arn:aws:kms:eu-west-1:000000000000:key/")) << arn;
  const json::object about{{"KeyId", arn}};
  const auto disabled = api_->call("TrentService.DisableKey", "", about);
  ASSERT_TRUE(disabled) << describe(disabled.error());
  EXPECT_TRUE(disabled->empty());
  const auto described = api_->call("TrentService.DescribeKey", "", about);
  ASSERT_TRUE(described) << describe(described.error());
  EXPECT_EQ(text_in(*object_in(*described, "KeyMetadata"), "KeyState"), "Disabled");
  const auto here = api_->call("TrentService.ListKeys", "", {});
  ASSERT_TRUE(here) << describe(here.error());
  EXPECT_EQ(here->at("Keys").as_array().size(), 0U) << "the service's own region has none";
}

TEST_P(KmsApiTest, SaysWhatIsRefused) {
  EXPECT_EQ(outcome(api_->call(
                "TrentService.DescribeKey", "",
                {{"KeyId", "arn:aws:kms:local:000000000000:key/11111111-2222-3333-4444-555555555555"}})),
            "kms-not-found");
  EXPECT_EQ(outcome(api_->call("TrentService.DescribeKey", "", {})), "kms-validation");
  EXPECT_EQ(outcome(api_->call("TrentService.Sign", "", {})), "kms-unsupported");
  EXPECT_EQ(outcome(api_->call("Nobody.Knows", "", {})), "kms-unsupported");
}

TEST_P(KmsApiTest, MakesPrincipalsAndShowsASecretOnce) {
  const json::object bob{{"Account", "111122223333"}, {"Name", "bob"}};
  ASSERT_EQ(outcome(api_->call("Enfold.AddPrincipal", "", bob)), "ok");
  const auto key = api_->call("Enfold.CreateAccessKey", "", bob);
  ASSERT_TRUE(key) << describe(key.error());
  const std::string secret = text_in(*key, "SecretAccessKey");
  EXPECT_EQ(secret.size(), 40U);
  const auto listed = api_->call("Enfold.ListPrincipals", "", {});
  ASSERT_TRUE(listed);
  const std::string text = json::serialize(*listed);
  EXPECT_NE(text.find(text_in(*key, "AccessKeyId")), std::string::npos);
  EXPECT_EQ(text.find(secret), std::string::npos);
}

}  // namespace
}  // namespace enfold
