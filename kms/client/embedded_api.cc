#include "kms/client/embedded_api.h"

#include <boost/json.hpp>

#include "kms/client/wiped_json.h"
#include "kms/engine/arn.h"
#include "kms/wire/kms_operations.h"

namespace enfold {
namespace {

class EmbeddedApi final : public KmsApi {
 public:
  explicit EmbeddedApi(std::shared_ptr<Engine> engine) : engine_(std::move(engine)), operations_(*engine_) {}

  Result<boost::json::object> call(std::string_view target, std::string_view region,
                                   const boost::json::object& request) override {
    auto answer = operations_.call(KmsCaller(scope_of(region, request)), true, target, request);
    if (answer) return *std::move(answer);
    return std::unexpected(error_of_answer(answer.error()));
  }

 private:
  static CallScope scope_of(std::string_view region, const boost::json::object& request) {
    CallScope scope = local_scope();
    for (const char* member : {"KeyId", "TargetKeyId"})
      if (const auto arn = parse_kms_arn(text_in(request, member))) scope = arn->scope;
    if (!region.empty()) scope.region = region;
    return scope;
  }

  std::shared_ptr<Engine> engine_;
  KmsOperations operations_;
};

}  // namespace

std::unique_ptr<KmsApi> make_embedded_api(std::shared_ptr<Engine> engine) {
  return std::make_unique<EmbeddedApi>(std::move(engine));
}

}  // namespace enfold
