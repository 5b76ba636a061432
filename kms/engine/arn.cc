#include "kms/engine/arn.h"

namespace enfold {
namespace {

constexpr std::string_view kPrefix = "arn:aws:kms:";
constexpr std::string_view kResource = "key/";

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
  return std::string(kPrefix)
      .append(scope.region)
      .append(":")
      .append(scope.account)
      .append(":key/")
      .append(key_id);
}

std::optional<KeyArn> parse_arn(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  auto region = take_field(text);
  if (!region) return std::nullopt;
  auto account = take_field(text);
  if (!account || !text.starts_with(kResource)) return std::nullopt;
  return KeyArn{{std::string(*region), std::string(*account)}, std::string(text.substr(kResource.size()))};
}

}  // namespace enfold
