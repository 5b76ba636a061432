#include "kms/engine/key_table.h"

namespace enfold {
Result<std::optional<Key>> KeyTable::load(const KeyId& id) const {
  ENFOLD_TRY_ASSIGN(std::optional<WipedBytes> content, store_.read(key_row(id)));
  if (!content) return std::nullopt;
  return decode_key(id, content->expose());
}

Result<std::shared_ptr<const Key>> KeyTable::find(const KeyId& id) {
  if (store_.version_of(RowKind::kKey) != version_) keys_.clear();
  version_ = store_.version_of(RowKind::kKey);
  if (auto cached = keys_.find(id); cached != keys_.end()) return cached->second;
  ENFOLD_TRY_ASSIGN(std::optional<Key> key, load(id));
  if (!key) return nullptr;
  auto shared = std::make_shared<const Key>(*std::move(key));
  keys_.emplace(id, shared);
  return shared;
}

std::vector<KeyId> KeyTable::list() const {
  std::vector<KeyId> ids;
  for (const Store::Listed& row : store_.list(RowKind::kKey))
    if (row.id.id.size() == sizeof(KeyId)) std::ranges::copy(row.id.id, ids.emplace_back().begin());
  return ids;
}

}  // namespace enfold
