// What happens to keys by itself: deletion at the end of the window, rotation by schedule.
#include "kms/engine/engine.h"
#include "kms/engine/rotation.h"
#include "kms/engine/tables.h"

namespace enfold {
namespace {

constexpr std::int64_t kRetryMs = 1000;

void remove_key(const Key& key, const AliasTable& aliases, std::vector<RowChange>& changes) {
  changes.push_back({key_row(key.id), std::nullopt});
  for (const Alias* alias : aliases.of_key(key.id))
    changes.push_back({alias_row(alias->scope, alias->name), std::nullopt});
}

}  // namespace

Result<std::optional<std::int64_t>> Engine::run_due() {
  std::unique_lock lock(mutex_);
  Store& store = *tables_->store;
  ENFOLD_TRY(store.refresh());
  ENFOLD_TRY_ASSIGN(const std::optional<std::int64_t> due, due_now());
  if (due) ENFOLD_TRY(commit(lock, [&] { return due_changes(*due); }));
  ENFOLD_TRY(tables_->due.sync());
  std::optional<std::int64_t> next = tables_->due.next_unix_ms();
  if (store.removals_pending()) store.finish_removals();
  if (!store.removals_pending()) return next;
  const std::int64_t retry = clock_.unix_ms() + kRetryMs;
  return std::min(next.value_or(retry), retry);
}

// Without waiting for another process, which may be doing the same.
Result<void> Engine::do_due() {
  ENFOLD_TRY_ASSIGN(const std::optional<std::int64_t> due, due_now());
  if (!due) return {};
  return tables_->store->update([&] { return due_changes(*due); });
}

// The time that it is, where something is due by it.
Result<std::optional<std::int64_t>> Engine::due_now() {
  ENFOLD_TRY(tables_->due.sync());
  const std::optional<std::int64_t> next = tables_->due.next_unix_ms();
  const std::int64_t now = clock_.unix_ms();
  return next && *next <= now ? std::optional(now) : std::nullopt;
}

// Inside the transaction, so that of several processes one does it.
Engine::Changes Engine::due_changes(std::int64_t now_unix_ms) {
  ENFOLD_TRY(tables_->due.sync());
  ENFOLD_TRY(tables_->aliases.sync());
  std::vector<RowChange> changes;
  for (const KeyId& id : tables_->due.due(now_unix_ms)) {
    ENFOLD_TRY_ASSIGN(std::optional<Key> key, tables_->keys.load(id));
    if (!key) continue;
    if (key->state == KeyState::kPendingDeletion) {
      remove_key(*key, tables_->aliases, changes);
      continue;
    }
    rotate_if_due(*key, now_unix_ms, entropy_);
    changes.push_back({key_row(id), encode_key(*key)});
  }
  return changes;
}

}  // namespace enfold
