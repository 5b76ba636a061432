// Keys as they are made, described, listed and switched.
#include "kms/engine/arn.h"
#include "kms/engine/call_options.h"
#include "kms/engine/engine.h"
#include "kms/engine/key_lookup.h"
#include "kms/engine/pages.h"
#include "kms/engine/random_uuid.h"
#include "kms/engine/rotation.h"
#include "kms/engine/tables.h"
#include "kms/engine/tags.h"

namespace enfold {
namespace {

constexpr std::int64_t kDefaultListLimit = 100;
constexpr std::size_t kMaxDescription = 8192;
constexpr std::string_view kSymmetric = "SYMMETRIC_DEFAULT";
constexpr std::string_view kEncryptDecrypt = "ENCRYPT_DECRYPT";
constexpr std::string_view kOwnOrigin = "AWS_KMS";
constexpr std::string_view kList = "keys";

Result<void> validate(const CreateKeyRequest& request) {
  Validation validation;
  validation.length("description", request.description, 0, kMaxDescription);
  validation.one_of(
      "keySpec", request.key_spec,
      {"ECC_NIST_EDWARDS25519", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1",
       "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "RSA_2048",
       "RSA_3072", "RSA_4096", "SM2", "SYMMETRIC_DEFAULT"});
  validation.one_of("keyUsage", request.key_usage,
                    {"ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT", "SIGN_VERIFY"});
  validation.one_of("origin", request.origin, {"AWS_CLOUDHSM", "AWS_KMS", "EXTERNAL", "EXTERNAL_KEY_STORE"});
  validate_tags(validation, request.tags);
  return validation.result();
}

std::unexpected<Error> not_there_yet(const std::string& what) {
  return make_error(
      Errc::kKmsUnsupported,
      what + " is not supported: only SYMMETRIC_DEFAULT keys with origin AWS_KMS in one Region");
}

// Which of the kinds of keys that AWS has are made here.
Result<void> require_known_kind(const CreateKeyRequest& request) {
  const std::string spec = request.key_spec.value_or(std::string(kSymmetric));
  if (spec != kSymmetric && !request.key_usage)
    return make_error(
        Errc::kKmsValidation,
        "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.");
  if (spec == kSymmetric && request.key_usage && *request.key_usage != kEncryptDecrypt)
    return make_error(Errc::kKmsValidation,
                      "KeyUsage " + *request.key_usage + " is not compatible with KeySpec " + spec);
  if (spec != kSymmetric) return not_there_yet("KeySpec " + spec);
  if (request.origin && *request.origin != kOwnOrigin) return not_there_yet("Origin " + *request.origin);
  return request.multi_region ? not_there_yet("MultiRegion") : Result<void>{};
}

}  // namespace

Key Engine::new_key(const CallScope& scope) {
  Key key;
  key.id = random_uuid(entropy_);
  key.scope = scope;
  key.arn = arn_of(scope, uuid_text(key.id));
  key.creation_unix_ms = clock_.unix_ms();
  key.materials.push_back(new_material(MaterialSource::kCreated, key.creation_unix_ms, entropy_));
  return key;
}

Result<KeyMetadata> Engine::create_key(const KmsCaller& caller, const CreateKeyRequest& request) {
  ENFOLD_TRY(validate(request));
  ENFOLD_TRY(require_known_kind(request));
  Key key = new_key(caller.scope);
  key.description = request.description;
  ENFOLD_TRY(put_tags(key.tags, request.tags));
  std::unique_lock lock(mutex_);
  ENFOLD_TRY(commit(lock, [&]() -> Changes { return one_change(key_row(key.id), encode_key(key)); }));
  return metadata_of(key);
}

Result<KeyMetadata> Engine::describe_key(const KmsCaller& caller, const std::string& key_id,
                                         const std::vector<std::string>& grant_tokens) {
  Validation validation;
  validation.key_id("keyId", key_id);
  validate_grant_tokens(validation, grant_tokens);
  ENFOLD_TRY(validation.result());
  ENFOLD_TRY(make_managed_key(caller, key_id));
  ENFOLD_TRY_ASSIGN(KeyPointer key, admit(Operation::kDescribeKey, caller, key_id, grant_tokens));
  return metadata_of(*key);
}

Result<ListKeysAnswer> Engine::list_keys(const KmsCaller& caller, const ListKeysRequest& request) {
  Validation validation;
  validate_page(validation, request);
  ENFOLD_TRY(validation.result());
  ENFOLD_TRY_ASSIGN(const std::string after, read_marker(kList, request));
  const auto limit = static_cast<std::size_t>(request.limit.value_or(kDefaultListLimit));

  std::lock_guard lock(mutex_);
  ENFOLD_TRY(look());
  ListKeysAnswer answer;
  for (const KeyId& id : tables_->keys.list()) {
    std::string text = uuid_text(id);
    if (text <= after) continue;
    ENFOLD_TRY_ASSIGN(KeyPointer key, tables_->keys.find(id));
    if (key == nullptr || key->scope != caller.scope) continue;
    if (answer.keys.size() == limit) {
      answer.truncated = true;
      answer.next_marker = make_marker(kList, answer.keys.back().key_id);
      break;
    }
    answer.keys.push_back({std::move(text), key->arn});
  }
  return answer;
}

// A rotation that fell due while the key was disabled is made up for at once, and the schedule starts anew.
Result<void> Engine::enable_key(const KmsCaller& caller, const std::string& key_id) {
  ENFOLD_TRY(Validation().key_id("keyId", key_id).result());
  ENFOLD_TRY(change(Operation::kEnableKey, caller, key_id, [&](Key& key) -> Result<void> {
    const std::int64_t now = clock_.unix_ms();
    const bool late = key.state != KeyState::kEnabled && key.rotation && key.rotation->next_unix_ms <= now;
    key.state = KeyState::kEnabled;
    rotate_if_due(key, now, entropy_);
    if (late) key.rotation = plan_from(now, key.rotation->period_days);
    return {};
  }));
  return {};
}

Result<void> Engine::disable_key(const KmsCaller& caller, const std::string& key_id) {
  ENFOLD_TRY(Validation().key_id("keyId", key_id).result());
  auto disable = [](Key& key) -> Result<void> {
    key.state = KeyState::kDisabled;
    return {};
  };
  ENFOLD_TRY(change(Operation::kDisableKey, caller, key_id, disable));
  return {};
}

Result<void> Engine::update_key_description(const KmsCaller& caller, const std::string& key_id,
                                            const std::string& description) {
  ENFOLD_TRY(
      Validation().key_id("keyId", key_id).length("description", description, 0, kMaxDescription).result());
  auto describe = [&](Key& key) -> Result<void> {
    key.description = description;
    return {};
  };
  ENFOLD_TRY(change(Operation::kUpdateKeyDescription, caller, key_id, describe));
  return {};
}

}  // namespace enfold
