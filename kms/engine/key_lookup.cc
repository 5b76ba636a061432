#include "kms/engine/key_lookup.h"

#include "kms/engine/arn.h"

namespace enfold {
namespace {

constexpr std::string_view kKeyPrefix = "key/";
constexpr std::string_view kAliasPrefix = "alias/";
constexpr std::string_view kMultiRegionPrefix = "mrk-";

std::unexpected<Error> no_such_key(const CallScope& scope, std::string_view id) {
  return make_error(Errc::kKmsNotFound, "Key '" + arn_of(scope, id) + "' does not exist");
}

std::unexpected<Error> invalid_key_id(std::string_view text) {
  return make_error(Errc::kKmsNotFound, "Invalid keyId '" + std::string(text) + "'");
}

// An id that a multi-Region key could have: there are none yet.
bool is_multi_region_id(std::string_view text) {
  Bytes ignored;
  return text.starts_with(kMultiRegionPrefix) && text.size() == kMultiRegionPrefix.size() + 32 &&
         from_hex(text.substr(kMultiRegionPrefix.size()), ignored);
}

Result<KeyName> name_of_id(CallScope scope, std::string_view text) {
  if (std::optional<KeyId> id = parse_uuid(text)) return KeyName{.scope = std::move(scope), .id = id};
  if (is_multi_region_id(text)) return no_such_key(scope, text);
  return invalid_key_id(text);
}

// The target of an alias is only "Invalid keyId": InvalidArnException is not among the errors of those
// operations.
bool refuses_alias_arns(const OperationRule& rule) {
  return !rule.takes_aliases && rule.operation != Operation::kCreateAlias &&
         rule.operation != Operation::kUpdateAlias;
}

std::string who(const KmsCaller& caller) {
  return caller.principal.empty() ? "arn:aws:iam::" + caller.scope.account + ":root" : caller.principal;
}

std::unexpected<Error> denied(const OperationRule& rule, const KmsCaller& caller, const std::string& why) {
  return make_error(Errc::kKmsAccessDenied, "User: " + who(caller) + " is not authorized to perform: kms:" +
                                                std::string(rule.name) + " on " + why);
}

}  // namespace

std::unexpected<Error> key_not_found(const CallScope& scope, const KeyId& id) {
  return no_such_key(scope, uuid_text(id));
}

std::unexpected<Error> alias_not_found(const CallScope& scope, const std::string& name) {
  return make_error(Errc::kKmsNotFound, "Alias " + alias_arn(scope, name) + " is not found.");
}

Result<KeyName> parse_key_name(const OperationRule& rule, const CallScope& scope, const std::string& text) {
  if (rule.takes_aliases && text.starts_with(kAliasPrefix)) return KeyName{.scope = scope, .alias = text};
  if (!text.starts_with("arn:")) return name_of_id(scope, text);
  std::optional<KmsArn> arn = parse_kms_arn(text);
  if (arn && arn->resource.starts_with(kAliasPrefix) && refuses_alias_arns(rule))
    return make_error(Errc::kKmsInvalidArn, "Key Aliases are not supported for this operation");
  const bool names_key = arn && arn->resource.starts_with(kKeyPrefix);
  const bool names_alias = arn && rule.takes_aliases && arn->resource.starts_with(kAliasPrefix);
  if (!names_key && !names_alias) return invalid_key_id(text);
  if (arn->scope.region != scope.region)
    return make_error(Errc::kKmsNotFound, "Invalid arn " + arn->scope.region);
  if (names_key) return name_of_id(std::move(arn->scope), arn->resource.substr(kKeyPrefix.size()));
  return KeyName{.scope = std::move(arn->scope), .alias = std::string(arn->resource)};
}

Result<void> authorise_account(const OperationRule& rule, const KmsCaller& caller,
                               const std::string& account) {
  if (account == caller.scope.account) return {};
  return denied(
      rule, caller,
      "this resource because the resource does not exist in this Region, no resource-based policies "
      "allow access, or a resource-based policy explicitly denies access");
}

Result<void> authorise(const OperationRule& rule, const KmsCaller& caller, const Key& key,
                       const std::vector<std::string>& grant_tokens) {
  if (!grant_tokens.empty())
    return make_error(Errc::kKmsInvalidGrantToken, "The grant token is not one of a grant of this key.");
  if (key.manager == KeyManager::kCustomer || rule.on_aws_managed) return {};
  return denied(rule, caller,
                "resource: " + key.arn +
                    " because no resource-based policy allows the kms:" + std::string(rule.name) + " action");
}

}  // namespace enfold
