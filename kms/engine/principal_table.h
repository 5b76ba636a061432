// The store's principals in memory, found by name, access key and Unix id. Not thread-safe.
#pragma once

#include <unordered_map>

#include "kms/engine/principal_row.h"
#include "kms/engine/row_cache.h"

namespace enfold {

class PrincipalTable {
 public:
  // `store` outlives the table.
  explicit PrincipalTable(const Store& store)
      : cache_(store, RowKind::kPrincipal,
               [](const RowId& id, ByteSpan content) { return decode_principal(id, content); }) {}

  // Up to what the store has read. What find() answered before is gone then.
  Result<void> sync();

  // Null where there is none.
  [[nodiscard]] const Principal* find(const std::string& account, const std::string& name) const;
  [[nodiscard]] const Principal* find_by_access_key(const std::string& access_key_id) const;
  [[nodiscard]] const Principal* find_by_unix_id(std::uint32_t unix_id) const;
  [[nodiscard]] std::vector<PrincipalInfo> list() const;  // by account and name

 private:
  RowCache<Principal> cache_;
  std::unordered_map<std::string, const Principal*> by_access_key_;
  std::unordered_map<std::uint32_t, const Principal*> by_unix_id_;
};

}  // namespace enfold
