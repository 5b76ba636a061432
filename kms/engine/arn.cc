#include "kms/engine/arn.h"

namespace enfold {
namespace {

constexpr std::string_view kPrefix = "arn:aws:kms:";
constexpr std::string_view kResource = "key/";

std::string joined(const CallScope& scope, std::string_view resource_type, std::string_view name) {
  std::string text(kPrefix);
  text.append(scope.region).append(":").append(scope.account).append(":");
  return text.append(resource_type).append(name);
}

// Up to the next colon, which is dropped; nothing where there is none or the field is empty.
std::optional<std::string_view> take_field(std::string_view& rest) {
  std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  std::string_view field = rest.substr(0, colon);
  rest.remove_prefix(colon + 1);
  return field;
}

}  // namespace

std::string arn_of(const CallScope& scope, std::string_view key_id) {
  return joined(scope, kResource, key_id);
}

std::string alias_arn(const CallScope& scope, std::string_view name) { return joined(scope, "", name); }

std::optional<KmsArn> parse_kms_arn(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  auto region = take_field(text);
  if (!region) return std::nullopt;
  auto account = take_field(text);
  if (!account) return std::nullopt;
  return KmsArn{{std::string(*region), std::string(*account)}, text};
}

}  // namespace enfold
