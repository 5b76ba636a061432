#include "kms/engine/key_table.h"

namespace enfold {
namespace {

RowId row_of(const KeyId& id) { return {RowKind::kKey, Bytes(id.begin(), id.end())}; }

RowChange change_to(const Key& key) { return {row_of(key.id), encode_key(key)}; }

std::vector<RowChange> only(RowChange change) {
  std::vector<RowChange> changes;
  changes.push_back(std::move(change));
  return changes;
}

}  // namespace

Result<void> KeyTable::refresh() {
  ENFOLD_TRY_ASSIGN(std::uint64_t counter, store_->refresh());
  if (counter != counter_) keys_.clear();
  counter_ = counter;
  return {};
}

Result<std::optional<Key>> KeyTable::load(const KeyId& id) const {
  ENFOLD_TRY_ASSIGN(std::optional<WipedBytes> content, store_->read(row_of(id)));
  if (!content) return std::nullopt;
  return decode_key(id, content->expose());
}

Result<std::shared_ptr<const Key>> KeyTable::find(const KeyId& id) {
  ENFOLD_TRY(refresh());
  if (auto cached = keys_.find(id); cached != keys_.end()) return cached->second;
  ENFOLD_TRY_ASSIGN(std::optional<Key> key, load(id));
  if (!key) return nullptr;
  auto shared = std::make_shared<const Key>(*std::move(key));
  keys_.emplace(id, shared);
  return shared;
}

Result<std::vector<KeyId>> KeyTable::list() {
  ENFOLD_TRY(refresh());
  std::vector<KeyId> ids;
  for (const RowId& row : store_->list()) {
    if (row.kind != RowKind::kKey || row.id.size() != sizeof(KeyId)) continue;
    std::ranges::copy(row.id, ids.emplace_back().begin());
  }
  return ids;
}

Result<void> KeyTable::insert(const Key& key) {
  return store_->update([&]() -> Result<std::vector<RowChange>> { return only(change_to(key)); });
}

Result<std::shared_ptr<const Key>> KeyTable::change(const KeyId& id,
                                                    const std::function<Result<void>(Key&)>& apply) {
  auto decide = [&]() -> Result<std::vector<RowChange>> {
    ENFOLD_TRY_ASSIGN(std::optional<Key> key, load(id));
    if (!key) return make_error(Errc::kKmsNotFound, "");
    ENFOLD_TRY(apply(*key));
    return only(change_to(*key));
  };
  ENFOLD_TRY(store_->update(decide));
  return find(id);
}

}  // namespace enfold
