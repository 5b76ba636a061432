#include "kms/engine/principal_table.h"

namespace enfold {
namespace {

template <class Key>
const Principal* found(const std::unordered_map<Key, const Principal*>& map, const Key& key) {
  auto entry = map.find(key);
  return entry == map.end() ? nullptr : entry->second;
}

}  // namespace

Result<void> PrincipalTable::sync() {
  Result<bool> changed = cache_.sync();
  if (changed && !*changed) return {};
  by_access_key_.clear();
  by_unix_id_.clear();
  if (!changed) return std::unexpected(std::move(changed).error());
  for (const auto& [id, entry] : cache_.rows()) {
    for (const AccessKey& key : entry.value.access_keys) by_access_key_.emplace(key.id, &entry.value);
    for (std::uint32_t unix_id : entry.value.unix_ids) by_unix_id_.emplace(unix_id, &entry.value);
  }
  return {};
}

const Principal* PrincipalTable::find(const std::string& account, const std::string& name) const {
  auto row = cache_.rows().find(principal_row(account, name));
  return row == cache_.rows().end() ? nullptr : &row->second.value;
}

const Principal* PrincipalTable::find_by_access_key(const std::string& access_key_id) const {
  return found(by_access_key_, access_key_id);
}

const Principal* PrincipalTable::find_by_unix_id(std::uint32_t unix_id) const {
  return found(by_unix_id_, unix_id);
}

std::vector<PrincipalInfo> PrincipalTable::list() const {
  std::vector<PrincipalInfo> out;
  for (const auto& [id, entry] : cache_.rows()) out.push_back(info_of(entry.value));
  return out;
}

}  // namespace enfold
