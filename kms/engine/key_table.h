// The store's keys, decoded and unsealed on first use and kept until any key changes. Not thread-safe. All of
// it is as of what the store has read last.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "kms/engine/key_row.h"
#include "kms/store/store.h"

namespace enfold {

class KeyTable {
 public:
  // `store` outlives the table.
  explicit KeyTable(const Store& store) : store_(store) {}

  // Null where there is none.
  Result<std::shared_ptr<const Key>> find(const KeyId& id);

  // Every key's id, in order.
  [[nodiscard]] std::vector<KeyId> list() const;

  // As it is stored, past the cache: to be changed. Nothing where there is none.
  [[nodiscard]] Result<std::optional<Key>> load(const KeyId& id) const;

 private:
  const Store& store_;
  std::uint64_t version_ = 0;  // of the store's keys, when the cache was filled
  std::map<KeyId, std::shared_ptr<const Key>> keys_;
};

}  // namespace enfold
