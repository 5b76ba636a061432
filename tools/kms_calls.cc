#include "tools/kms_calls.h"

#include <CLI/CLI.hpp>
#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <ctime>

#include "kms/client/wiped_json.h"
#include "tools/kms_location.h"

namespace enfold {
namespace {

namespace json = boost::json;

bool is_truncated(const json::object& answer) {
  const json::value* member = answer.if_contains("Truncated");
  return member != nullptr && member->is_bool() && member->get_bool();
}

}  // namespace

void add_kms_options(CLI::App& command, KmsOptions& options) {
  command
      .add_option("--kms", options.kms,
                  "the key service (default: the embedded store in your data directory)")
      ->type_name(kKmsUrlForms);
  command
      .add_option("--region", options.region,
                  "of keys that are not named by an ARN (default: AWS_REGION, else the service's own)")
      ->type_name("NAME");
  add_passphrase_options(command, options.passphrase, "", "passphrase of the key store");
}

Result<KmsCalls> KmsCalls::open(const KmsOptions& options) {
  ENFOLD_TRY_ASSIGN(std::string url, resolve_kms_url(options.kms));
  ToolPassphrase passphrase(options.passphrase, "passphrase of the key store");
  ENFOLD_TRY_ASSIGN(std::shared_ptr<KmsApi> api, open_kms_api(url, passphrase));
  return KmsCalls(std::move(api), std::move(url), options.region);
}

Result<json::object> KmsCalls::call(std::string_view target, const json::object& request) const {
  // An ARN says its own.
  const bool has_own = text_in(request, "KeyId").starts_with("arn:");
  return api_->call(target, has_own ? std::string_view() : region_, request);
}

Result<void> KmsCalls::call_list(std::string_view target, json::object request, std::string_view list,
                                 const std::function<Result<void>(const json::object&)>& take) const {
  for (std::string marker;;) {
    ENFOLD_TRY_ASSIGN(const json::object answer, call(target, request));
    const json::value* member = answer.if_contains(list);
    if (member == nullptr || !member->is_array())
      return make_error(Errc::kKmsBadAnswer, url_ + ": the KMS answered no " + std::string(list));
    for (const json::value& entry : member->get_array())
      if (entry.is_object()) ENFOLD_TRY(take(entry.get_object()));
    if (!is_truncated(answer)) return {};
    std::string next = text_in(answer, "NextMarker");
    if (next.empty() || next == marker)
      return make_error(Errc::kKmsBadAnswer, url_ + ": the KMS does not get to the end of its list");
    request["Marker"] = marker = std::move(next);
  }
}

std::string date_in(const json::object& object, std::string_view name) {
  const auto unix_seconds = number_in(object, name);
  if (!unix_seconds) return {};
  const std::time_t seconds = *unix_seconds;
  std::tm parts{};
  std::array<char, 32> text{};
  if (::gmtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
    return {};
  return text.data();
}

std::optional<std::int64_t> number_in(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  if (member == nullptr) return std::nullopt;
  if (const auto* number = member->if_int64()) return *number;
  if (const auto* number = member->if_uint64()) return static_cast<std::int64_t>(*number & INT64_MAX);
  constexpr double kMost = 1e15;
  const auto* number = member->if_double();
  if (number == nullptr || !(std::abs(*number) < kMost)) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

}  // namespace enfold
