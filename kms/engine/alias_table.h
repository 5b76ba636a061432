// The store's aliases in memory, found by name and by key. Not thread-safe.
#pragma once

#include "kms/engine/alias_row.h"
#include "kms/engine/row_cache.h"

namespace enfold {

class AliasTable {
 public:
  // `store` outlives the table.
  explicit AliasTable(const Store& store)
      : cache_(store, RowKind::kAlias,
               [](const RowId& id, ByteSpan content) { return decode_alias(id, content); }) {}

  // Up to what the store has read. What find() answered before is gone then.
  Result<void> sync();

  // Null where there is none.
  [[nodiscard]] const Alias* find(const CallScope& scope, const std::string& name) const;
  // In the order of their names.
  [[nodiscard]] std::vector<const Alias*> of_key(const KeyId& key) const;
  // Those whose names come after `after`, at most `count` of them.
  [[nodiscard]] std::vector<const Alias*> list(const CallScope& scope, const std::string& after,
                                               std::size_t count) const;

 private:
  RowCache<Alias> cache_;
  std::multimap<KeyId, const Alias*> by_key_;
};

}  // namespace enfold
