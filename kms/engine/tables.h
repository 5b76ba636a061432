// What the engine keeps of a store: the store itself and its rows by kind. Not thread-safe.
#pragma once

#include <memory>

#include "kms/engine/alias_table.h"
#include "kms/engine/due_index.h"
#include "kms/engine/key_table.h"
#include "kms/engine/principal_table.h"
#include "kms/store/store.h"

namespace enfold {

struct Tables {
  explicit Tables(std::unique_ptr<Store> opened)
      : store(std::move(opened)), keys(*store), aliases(*store), principals(*store), due(*store) {}

  std::unique_ptr<Store> store;
  KeyTable keys;
  AliasTable aliases;
  PrincipalTable principals;
  DueIndex due;
};

inline std::vector<RowChange> one_change(RowId id, std::optional<WipedBytes> content) {
  std::vector<RowChange> changes;
  changes.push_back({std::move(id), std::move(content)});
  return changes;
}

}  // namespace enfold
