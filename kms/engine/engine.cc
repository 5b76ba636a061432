#include "kms/engine/engine.h"

#include "kms/engine/key_lookup.h"
#include "kms/engine/tables.h"
#include "kms/engine/validation.h"
#include "kms/store/store_admin.h"

namespace enfold {
namespace {

constexpr std::int64_t kDefaultListLimit = 100;

MaterialVersion new_material(Entropy& entropy, Clock& clock) {
  return {random_array<32>(entropy), clock.unix_ms(), random_secret<KeyMaterial>(entropy)};
}

// RFC 9562 section 5.4: 122 random bits, version 4, variant 10.
KeyId new_key_id(Entropy& entropy) {
  auto id = random_array<16>(entropy);
  id[6] = static_cast<std::uint8_t>((id[6] & 0x0f) | 0x40);
  id[8] = static_cast<std::uint8_t>((id[8] & 0x3f) | 0x80);
  return id;
}

bool is_in(const Key& key, const CallScope& scope) {
  return key.scope.region == scope.region && key.scope.account == scope.account;
}

Result<void> validate_key_id(const std::string& key_id) {
  return Validation().key_id("keyId", key_id).result();
}

Result<void> rotate(Key& key, MaterialVersion material) {
  ENFOLD_TRY(require_enabled(key));
  if (key.materials.size() > kMaxRotations)
    return make_error(Errc::kKmsLimitExceeded,
                      "The on-demand rotations limit has been reached for the given keyId. No more on-demand "
                      "rotations can be performed for this key: " +
                          key.arn);
  key.materials.push_back(std::move(material));
  return {};
}

}  // namespace

Engine::Engine(std::unique_ptr<Store> store, Entropy& entropy, Clock& clock)
    : entropy_(entropy), clock_(clock), tables_(std::make_unique<Tables>(std::move(store))) {}

Engine::~Engine() = default;

Result<Engine::KeyPointer> Engine::find(const KmsCaller& caller, const std::string& key_id) {
  ENFOLD_TRY_ASSIGN(KeyId id, resolve_key_id(caller.scope, key_id));
  std::lock_guard lock(mutex_);
  ENFOLD_TRY(tables_->store->refresh());
  ENFOLD_TRY_ASSIGN(KeyPointer key, tables_->keys.find(id));
  if (key == nullptr || !is_in(*key, caller.scope)) return key_not_found(caller.scope, id);
  return key;
}

Result<Engine::KeyPointer> Engine::find_enabled(const KmsCaller& caller, const std::string& key_id) {
  ENFOLD_TRY_ASSIGN(KeyPointer key, find(caller, key_id));
  ENFOLD_TRY(require_enabled(*key));
  return key;
}

Result<KeyMetadata> Engine::create_key(const KmsCaller& caller, const CreateKeyRequest& request) {
  ENFOLD_TRY(Validation().length("description", request.description, 0, 8192).result());
  Key key;
  key.id = new_key_id(entropy_);
  key.scope = caller.scope;
  key.creation_unix_ms = clock_.unix_ms();
  key.description = request.description;
  key.materials.push_back(new_material(entropy_, clock_));
  std::lock_guard lock(mutex_);
  ENFOLD_TRY(tables_->keys.insert(key));
  ENFOLD_TRY_ASSIGN(KeyPointer stored, tables_->keys.find(key.id));
  if (stored == nullptr) return make_error(Errc::kKmsInternal, "A key that was just made is not there");
  return metadata_of(*stored);
}

Result<KeyMetadata> Engine::describe_key(const KmsCaller& caller, const std::string& key_id,
                                         const std::vector<std::string>& /*grant_tokens*/) {
  ENFOLD_TRY(validate_key_id(key_id));
  ENFOLD_TRY_ASSIGN(KeyPointer key, find(caller, key_id));
  return metadata_of(*key);
}

// The marker is the last id that was answered, so that a key that is made or gone meanwhile breaks nothing.
Result<ListKeysAnswer> Engine::list_keys(const KmsCaller& caller, const ListKeysRequest& request) {
  Validation validation;
  validation.range("limit", request.limit, 1, 1000);
  if (request.marker) validation.length("marker", *request.marker, 1, 1024);
  ENFOLD_TRY(validation.result());
  std::optional<KeyId> after = request.marker ? parse_uuid(*request.marker) : std::nullopt;
  if (request.marker && !after) return make_error(Errc::kKmsValidation, "Invalid marker");
  const auto limit = static_cast<std::size_t>(request.limit.value_or(kDefaultListLimit));

  std::lock_guard lock(mutex_);
  ENFOLD_TRY(tables_->store->refresh());
  const std::vector<KeyId> ids = tables_->keys.list();
  ListKeysAnswer answer;
  for (const KeyId& id : ids) {
    if (after && id <= *after) continue;
    ENFOLD_TRY_ASSIGN(KeyPointer key, tables_->keys.find(id));
    if (key == nullptr || !is_in(*key, caller.scope)) continue;
    if (answer.keys.size() == limit) {
      answer.truncated = true;
      answer.next_marker = answer.keys.back().key_id;
      break;
    }
    answer.keys.push_back({uuid_text(id), key->arn});
  }
  return answer;
}

Result<void> Engine::set_state(const KmsCaller& caller, const std::string& key_id, KeyState state) {
  ENFOLD_TRY(validate_key_id(key_id));
  ENFOLD_TRY_ASSIGN(KeyPointer key, find(caller, key_id));
  auto apply = [&](Key& stored) -> Result<void> {
    stored.state = state;
    return {};
  };
  std::lock_guard lock(mutex_);
  ENFOLD_TRY(tables_->keys.change(key->id, apply));
  return {};
}

Result<void> Engine::enable_key(const KmsCaller& caller, const std::string& key_id) {
  return set_state(caller, key_id, KeyState::kEnabled);
}

Result<void> Engine::disable_key(const KmsCaller& caller, const std::string& key_id) {
  return set_state(caller, key_id, KeyState::kDisabled);
}

Result<std::string> Engine::rotate_key_on_demand(const KmsCaller& caller, const std::string& key_id) {
  ENFOLD_TRY(validate_key_id(key_id));
  ENFOLD_TRY_ASSIGN(KeyPointer key, find(caller, key_id));
  std::lock_guard lock(mutex_);
  ENFOLD_TRY(tables_->keys.change(
      key->id, [&](Key& stored) -> Result<void> { return rotate(stored, new_material(entropy_, clock_)); }));
  return key->arn;
}

Result<std::unique_ptr<Engine>> open_embedded_engine(const std::string& dir, PassphraseSource& passphrase) {
  static SystemEntropy entropy;
  static SystemClock clock;
  ENFOLD_TRY_ASSIGN(std::unique_ptr<Store> store, open_store(dir, passphrase, entropy));
  return std::make_unique<Engine>(std::move(store), entropy, clock);
}

}  // namespace enfold
