#include "kms/engine/key_lookup.h"

#include "kms/engine/arn.h"

namespace enfold {
namespace {

std::unexpected<Error> not_found_arn(std::string_view arn) {
  return make_error(Errc::kKmsNotFound, "Key '" + std::string(arn) + "' does not exist");
}

std::unexpected<Error> invalid_key_id(std::string_view text) {
  return make_error(Errc::kKmsNotFound, "Invalid keyId '" + std::string(text) + "'");
}

Result<KeyId> resolve_id(std::string_view text) {
  if (std::optional<KeyId> id = parse_uuid(text)) return *id;
  return invalid_key_id(text);
}

}  // namespace

std::unexpected<Error> key_not_found(const CallScope& scope, const KeyId& id) {
  return not_found_arn(arn_of(scope, uuid_text(id)));
}

Result<KeyId> resolve_key_id(const CallScope& scope, const std::string& key_id) {
  if (!key_id.starts_with("arn:")) return resolve_id(key_id);
  std::optional<KeyArn> arn = parse_arn(key_id);
  if (!arn) return invalid_key_id(key_id);
  if (arn->scope.region != scope.region)
    return make_error(Errc::kKmsNotFound, "Invalid arn " + arn->scope.region);
  if (arn->scope.account != scope.account) return not_found_arn(key_id);
  return resolve_id(arn->key_id);
}

Result<void> require_enabled(const Key& key) {
  if (key.state == KeyState::kEnabled) return {};
  return make_error(Errc::kKmsDisabled, key.arn + " is disabled.");
}

}  // namespace enfold
