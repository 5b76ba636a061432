#include "kms/engine/due_index.h"

#include "kms/engine/rotation.h"
#include "kms/engine/stored_row.h"

namespace enfold {

DueIndex::DueIndex(const Store& store)
    : cache_(store, RowKind::kKey, [](const RowId& row, ByteSpan content) -> Result<Due> {
        Due due;
        if (row.id.size() != due.id.size()) return malformed_row(row);
        std::ranges::copy(row.id, due.id.begin());
        ENFOLD_TRY_ASSIGN(Key key, decode_key(due.id, content));
        due.unix_ms = due_of(key);
        return due;
      }) {}

Result<void> DueIndex::sync() {
  ENFOLD_TRY_ASSIGN(bool changed, cache_.sync());
  if (!changed) return {};
  next_.reset();
  for (const auto& [row, entry] : cache_.rows())
    if (entry.value.unix_ms) next_ = std::min(next_.value_or(*entry.value.unix_ms), *entry.value.unix_ms);
  return {};
}

std::vector<KeyId> DueIndex::due(std::int64_t now_unix_ms) const {
  std::vector<KeyId> ids;
  for (const auto& [row, entry] : cache_.rows())
    if (entry.value.unix_ms && *entry.value.unix_ms <= now_unix_ms) ids.push_back(entry.value.id);
  return ids;
}

}  // namespace enfold
