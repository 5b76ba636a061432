// The keys that AWS would manage for its services: made when somebody first describes them by their alias.
#include "kms/engine/aws_services.h"
#include "kms/engine/engine.h"
#include "kms/engine/key_lookup.h"
#include "kms/engine/rotation.h"
#include "kms/engine/tables.h"

namespace enfold {

// Nothing to do where `key_id` is no predefined alias of the caller, or its key is there.
Result<void> Engine::make_managed_key(const KmsCaller& caller, const std::string& key_id) {
  if (key_id.find("alias/aws/") == std::string::npos) return {};
  Result<KeyName> name = parse_key_name(rule_of(Operation::kDescribeKey), caller.scope, key_id);
  if (!name || name->scope != caller.scope) return {};
  const std::string_view service = service_of(name->alias);
  if (service.empty()) return {};
  auto decide = [&]() -> Changes {
    ENFOLD_TRY(tables_->aliases.sync());
    if (tables_->aliases.find(caller.scope, name->alias) != nullptr) return std::vector<RowChange>{};
    Key key = new_key(caller.scope);
    key.manager = KeyManager::kAws;
    key.service = service;
    key.description = "Default key that protects my " + key.service + " data when no other key is defined";
    key.rotation = plan_from(key.creation_unix_ms, kDefaultRotationDays);
    const Alias alias{.scope = caller.scope,
                      .name = name->alias,
                      .target = key.id,
                      .creation_unix_ms = key.creation_unix_ms,
                      .last_updated_unix_ms = key.creation_unix_ms};
    std::vector<RowChange> changes = one_change(key_row(key.id), encode_key(key));
    changes.push_back({alias_row(alias.scope, alias.name), encode_alias(alias)});
    return changes;
  };
  std::unique_lock lock(mutex_);
  ENFOLD_TRY(look());
  ENFOLD_TRY(tables_->aliases.sync());
  if (tables_->aliases.find(caller.scope, name->alias) != nullptr) return {};
  return commit(lock, decide);
}

}  // namespace enfold
