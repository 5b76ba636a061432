// The store's keys, decoded and unsealed on first use and kept until any key changes. Not thread-safe. All of
// it is as of what the store has read last.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "kms/engine/key.h"
#include "kms/store/store.h"

namespace enfold {

class KeyTable {
 public:
  // `store` outlives the table.
  explicit KeyTable(Store& store) : store_(store) {}

  // Null where there is none.
  Result<std::shared_ptr<const Key>> find(const KeyId& id);

  // Every key's id, in order.
  [[nodiscard]] std::vector<KeyId> list() const;

  Result<void> insert(const Key& key);

  // Gives `apply` the key as it is inside the write transaction and stores what it makes of it. An error of
  // `apply` changes nothing. kKmsNotFound with an empty message where there is no such key.
  Result<std::shared_ptr<const Key>> change(const KeyId& id, const std::function<Result<void>(Key&)>& apply);

  // As it is stored, past the cache.
  [[nodiscard]] Result<std::optional<Key>> load(const KeyId& id) const;

 private:
  Store& store_;
  std::uint64_t version_ = 0;  // of the store's keys, when the cache was filled
  std::map<KeyId, std::shared_ptr<const Key>> keys_;
};

RowId key_row(const KeyId& id);

}  // namespace enfold
