#include "kms/engine/aws_services.h"
#include "kms/engine/engine.h"
#include "kms/engine/key_lookup.h"
#include "kms/engine/pages.h"
#include "kms/engine/tables.h"

namespace enfold {
namespace {

constexpr std::string_view kList = "aliases";
constexpr std::int64_t kDefaultListLimit = 50;
constexpr std::size_t kMostOnAPage = 100;
constexpr std::size_t kMaxAliases = 50;  // of one key

Result<void> validate_target(const std::string& name, const std::string& target_key_id) {
  Validation validation;
  validate_alias_name(validation, name);
  return validation.key_id("targetKeyId", target_key_id).result();
}

Result<void> require_room(const AliasTable& aliases, const Key& key) {
  const std::size_t usage = aliases.of_key(key.id).size();
  if (usage < kMaxAliases) return {};
  return make_error(Errc::kKmsLimitExceeded, "Aliases per key quota for this account in this region is " +
                                                 std::to_string(kMaxAliases) + ", current usage is " +
                                                 std::to_string(usage) + ".");
}

// Those of AWS that have no key yet.
void add_predefined(const AliasTable& aliases, const CallScope& scope, const std::string& after,
                    std::vector<AliasEntry>& entries) {
  for (std::string_view service : aws_services()) {
    AliasEntry entry = predefined_alias(scope, service);
    if (entry.name > after && aliases.find(scope, entry.name) == nullptr) entries.push_back(std::move(entry));
  }
  std::ranges::sort(entries, {}, &AliasEntry::name);
}

ListAliasesAnswer page_of(std::vector<AliasEntry> entries, std::size_t limit) {
  ListAliasesAnswer answer{.aliases = std::move(entries), .next_marker = {}};
  if (answer.aliases.size() <= limit) return answer;
  answer.aliases.resize(limit);
  answer.truncated = true;
  answer.next_marker = make_marker(kList, answer.aliases.back().name);
  return answer;
}

}  // namespace

// One row, to a key that may have it.
Engine::Changes Engine::alias_changes(const Alias& alias, const KeyId& target, Operation operation) {
  ENFOLD_TRY_ASSIGN(const Key key, load_for(operation, target));
  if (alias.target != target) ENFOLD_TRY(require_room(tables_->aliases, key));
  Alias changed = alias;
  changed.target = target;
  return one_change(alias_row(alias.scope, alias.name), encode_alias(changed));
}

Result<void> Engine::create_alias(const KmsCaller& caller, const std::string& name,
                                  const std::string& target_key_id) {
  ENFOLD_TRY(validate_target(name, target_key_id));
  ENFOLD_TRY(require_customer_alias(name));
  ENFOLD_TRY_ASSIGN(KeyPointer key, admit(Operation::kCreateAlias, caller, target_key_id));
  const std::int64_t now = clock_.unix_ms();
  const Alias alias{
      .scope = caller.scope, .name = name, .creation_unix_ms = now, .last_updated_unix_ms = now};
  auto decide = [&]() -> Changes {
    ENFOLD_TRY(tables_->aliases.sync());
    if (tables_->aliases.find(caller.scope, name) != nullptr)
      return make_error(Errc::kKmsAlreadyExists,
                        "An alias with the name " + entry_of(alias).arn + " already exists");
    return alias_changes(alias, key->id, Operation::kCreateAlias);
  };
  std::unique_lock lock(mutex_);
  return commit(lock, decide);
}

// The old key may be in any state; all keys are of one type and usage so far.
Result<void> Engine::update_alias(const KmsCaller& caller, const std::string& name,
                                  const std::string& target_key_id) {
  ENFOLD_TRY(validate_target(name, target_key_id));
  ENFOLD_TRY(require_customer_alias(name));
  ENFOLD_TRY_ASSIGN(KeyPointer key, admit(Operation::kUpdateAlias, caller, target_key_id));
  auto decide = [&]() -> Changes {
    ENFOLD_TRY(tables_->aliases.sync());
    const Alias* known = tables_->aliases.find(caller.scope, name);
    if (known == nullptr) return alias_not_found(caller.scope, name);
    Alias alias = *known;
    alias.last_updated_unix_ms = clock_.unix_ms();
    return alias_changes(alias, key->id, Operation::kUpdateAlias);
  };
  std::unique_lock lock(mutex_);
  return commit(lock, decide);
}

Result<void> Engine::delete_alias(const KmsCaller& caller, const std::string& name) {
  Validation validation;
  validate_alias_name(validation, name);
  ENFOLD_TRY(validation.result());
  ENFOLD_TRY(require_customer_alias(name));
  auto decide = [&]() -> Changes {
    ENFOLD_TRY(tables_->aliases.sync());
    if (tables_->aliases.find(caller.scope, name) == nullptr) return alias_not_found(caller.scope, name);
    return one_change(alias_row(caller.scope, name), std::nullopt);
  };
  std::unique_lock lock(mutex_);
  return commit(lock, decide);
}

Result<ListAliasesAnswer> Engine::list_aliases(const KmsCaller& caller,
                                               const std::optional<std::string>& key_id,
                                               const PageRequest& page) {
  Validation validation;
  validate_page(validation, page);
  if (key_id) validation.key_id("keyId", *key_id);
  ENFOLD_TRY(validation.result());
  ENFOLD_TRY_ASSIGN(const std::string after, read_marker(kList, page));
  KeyPointer key;
  if (key_id) {
    ENFOLD_TRY_ASSIGN(key, admit(Operation::kListAliases, caller, *key_id));
  }
  const std::size_t limit =
      std::min(static_cast<std::size_t>(page.limit.value_or(kDefaultListLimit)), kMostOnAPage);
  std::lock_guard lock(mutex_);
  ENFOLD_TRY(look());
  ENFOLD_TRY(tables_->aliases.sync());
  const AliasTable& aliases = tables_->aliases;
  std::vector<AliasEntry> entries;
  for (const Alias* alias : key ? aliases.of_key(key->id) : aliases.list(caller.scope, after, limit + 1))
    if (alias->name > after) entries.push_back(entry_of(*alias));
  if (!key) add_predefined(aliases, caller.scope, after, entries);
  return page_of(std::move(entries), limit);
}

}  // namespace enfold
