#include "kms/client/remote_api.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "kms/client/remote_json.h"
#include "kms/client/wiped_json.h"

namespace enfold {
namespace {

// Beginnings of names: what only looks, and what leaves the same when it is done again.
constexpr std::array<std::string_view, 12> kRepeatable{
    "Batch",    "Decrypt", "Describe", "Disable", "Enable",    "Encrypt",
    "Generate", "Get",     "List",     "Ping",    "ReEncrypt", "UpdateKeyDescription"};

bool is_repeatable(std::string_view target) {
  const std::string_view name = target.substr(target.find('.') + 1);
  return std::ranges::any_of(kRepeatable, [&](std::string_view begin) { return name.starts_with(begin); });
}

class RemoteApi final : public KmsApi {
 public:
  explicit RemoteApi(std::shared_ptr<RemoteEndpoint> endpoint) : endpoint_(std::move(endpoint)) {}

  Result<boost::json::object> call(std::string_view target, std::string_view region,
                                   const boost::json::object& request) override {
    std::string asked(region);
    for (const char* member : {"KeyId", "TargetKeyId"})
      if (asked.empty()) asked = region_of_key(text_in(request, member));
    // Our own operations give lists without pages.
    const std::size_t most = target.starts_with("Enfold.") ? kMaxAnswerBytes : kMaxJsonBytes;
    return call_json(*endpoint_, {target, std::move(asked), request, endpoint_->policy().call_ns,
                                  is_repeatable(target), true, most});
  }

 private:
  std::shared_ptr<RemoteEndpoint> endpoint_;
};

}  // namespace

std::unique_ptr<KmsApi> make_remote_api(std::shared_ptr<RemoteEndpoint> endpoint) {
  return std::make_unique<RemoteApi>(std::move(endpoint));
}

}  // namespace enfold
