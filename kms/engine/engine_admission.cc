// What stands before every operation on a key. The order of AWS's checks: the values of a request, which each
// operation validates first; then, here, which key is meant, whether the caller may, and the key's state;
// then how the key may be used, and the operation itself; DryRun is the very last.
#include "kms/base/log.h"
#include "kms/engine/engine.h"
#include "kms/engine/key_lookup.h"
#include "kms/engine/tables.h"

namespace enfold {
namespace {

std::unexpected<Error> unknown_key_of_blob() {
  return make_error(Errc::kKmsAccessDenied,
                    "The ciphertext refers to a customer master key that does not exist, does not exist in "
                    "this region, or you are not allowed to access.");
}

}  // namespace

Result<Engine::KeyPointer> Engine::admit(Operation operation, const KmsCaller& caller,
                                         const std::string& key_id,
                                         const std::vector<std::string>& grant_tokens) {
  ENFOLD_TRY_ASSIGN(KeyPointer key, resolve(operation, caller, key_id));
  ENFOLD_TRY(authorise(rule_of(operation), caller, *key, grant_tokens));
  ENFOLD_TRY(require_state(operation, *key));
  return key;
}

// A blob names its key. Where the caller names one as well, the two must agree.
Result<Engine::KeyPointer> Engine::admit_for_blob(Operation operation, const KmsCaller& caller,
                                                  const std::optional<std::string>& key_id, ByteSpan blob,
                                                  const std::vector<std::string>& grant_tokens) {
  if (key_id) {
    ENFOLD_TRY_ASSIGN(KeyPointer key, admit(operation, caller, *key_id, grant_tokens));
    return key;
  }
  ENFOLD_TRY_ASSIGN(const BlobHeader header, read_blob_header(blob));
  ENFOLD_TRY_ASSIGN(KeyPointer key, find_key_of(caller.scope, header.key_id));
  if (key == nullptr) return unknown_key_of_blob();
  ENFOLD_TRY(authorise(rule_of(operation), caller, *key, grant_tokens));
  ENFOLD_TRY(require_state(operation, *key));
  return key;
}

Result<Engine::KeyPointer> Engine::resolve(Operation operation, const KmsCaller& caller,
                                           const std::string& key_id) {
  const OperationRule& rule = rule_of(operation);
  ENFOLD_TRY_ASSIGN(KeyName name, parse_key_name(rule, caller.scope, key_id));
  ENFOLD_TRY(authorise_account(rule, caller, name.scope.account));
  std::lock_guard lock(mutex_);
  ENFOLD_TRY(look());
  if (!name.id) {
    ENFOLD_TRY(tables_->aliases.sync());
    const Alias* alias = tables_->aliases.find(name.scope, name.alias);
    if (alias == nullptr) return alias_not_found(name.scope, name.alias);
    name.id = alias->target;
  }
  ENFOLD_TRY_ASSIGN(KeyPointer key, tables_->keys.find(*name.id));
  if (key == nullptr || key->scope != name.scope) return key_not_found(name.scope, *name.id);
  return key;
}

// Null where the scope has no such key.
Result<Engine::KeyPointer> Engine::find_key_of(const CallScope& scope, const KeyId& id) {
  std::lock_guard lock(mutex_);
  ENFOLD_TRY(look());
  ENFOLD_TRY_ASSIGN(KeyPointer key, tables_->keys.find(id));
  return key != nullptr && key->scope == scope ? key : nullptr;
}

Result<Engine::KeyPointer> Engine::change(Operation operation, const KmsCaller& caller,
                                          const std::string& key_id, const KeyChange& apply) {
  ENFOLD_TRY_ASSIGN(KeyPointer key, admit(operation, caller, key_id));
  auto decide = [&]() -> Changes {
    ENFOLD_TRY_ASSIGN(Key stored, load_for(operation, key->id));
    ENFOLD_TRY(apply(stored));
    return one_change(key_row(stored.id), encode_key(stored));
  };
  std::unique_lock lock(mutex_);
  ENFOLD_TRY(commit(lock, decide));
  return tables_->keys.find(key->id);
}

// Somebody may have been quicker since the key was admitted.
Result<Key> Engine::load_for(Operation operation, const KeyId& id) {
  ENFOLD_TRY_ASSIGN(std::optional<Key> key, tables_->keys.load(id));
  if (!key) return make_error(Errc::kKmsNotFound, "The key " + uuid_text(id) + " was deleted meanwhile");
  ENFOLD_TRY(require_state(operation, *key));
  return *std::move(key);
}

Result<void> Engine::look() {
  constexpr std::int64_t kPauseNs = 10'000'000'000;
  ENFOLD_TRY(tables_->store->refresh());
  if (due_pause_until_ns_ != 0 && clock_.monotonic_ns() < due_pause_until_ns_) return {};
  // A rotation that cannot be written now does not keep anybody from decrypting; the key of a deletion that
  // cannot be written is refused by its state.
  const auto done = do_due();
  due_pause_until_ns_ = 0;
  if (done || done.error().code == Errc::kBusy) return {};
  if (done.error().code == Errc::kStoreTampered) return done;
  log_error("what is due could not be done: " + describe(done.error()) +
            "; it is tried again in ten seconds");
  due_pause_until_ns_ = clock_.monotonic_ns() + kPauseNs;
  return {};
}

}  // namespace enfold
