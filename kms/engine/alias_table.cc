#include "kms/engine/alias_table.h"

namespace enfold {

Result<void> AliasTable::sync() {
  Result<bool> changed = cache_.sync();
  if (changed && !*changed) return {};
  by_key_.clear();
  if (!changed) return std::unexpected(std::move(changed).error());
  for (const auto& [id, entry] : cache_.rows()) by_key_.emplace(entry.value.target, &entry.value);
  return {};
}

const Alias* AliasTable::find(const CallScope& scope, const std::string& name) const {
  auto row = cache_.rows().find(alias_row(scope, name));
  return row == cache_.rows().end() ? nullptr : &row->second.value;
}

// Rows come in the order of their ids, and entries with one key stay in the order in which they were added.
std::vector<const Alias*> AliasTable::of_key(const KeyId& key) const {
  std::vector<const Alias*> out;
  for (auto [entry, end] = by_key_.equal_range(key); entry != end; ++entry) out.push_back(entry->second);
  return out;
}

std::vector<const Alias*> AliasTable::list(const CallScope& scope, const std::string& after,
                                           std::size_t count) const {
  std::vector<const Alias*> out;
  for (auto row = cache_.rows().upper_bound(alias_row(scope, after));
       row != cache_.rows().end() && row->second.value.scope == scope && out.size() < count; ++row)
    out.push_back(&row->second.value);
  return out;
}

}  // namespace enfold
