// The store's keys, decoded and unsealed on first use and kept until any row changes. Not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "kms/engine/key.h"
#include "kms/store/store.h"

namespace enfold {

class KeyTable {
 public:
  explicit KeyTable(std::unique_ptr<Store> store) : store_(std::move(store)) {}

  // The key as the newest commit of any process has it; null where there is none.
  Result<std::shared_ptr<const Key>> find(const KeyId& id);

  // Every key's id, in order.
  Result<std::vector<KeyId>> list();

  Result<void> insert(const Key& key);

  // Gives `apply` the key as it is inside the write transaction and stores what it makes of it. An error of
  // `apply` changes nothing. kKmsNotFound with an empty message where there is no such key.
  Result<std::shared_ptr<const Key>> change(const KeyId& id, const std::function<Result<void>(Key&)>& apply);

 private:
  Result<void> refresh();
  Result<std::optional<Key>> load(const KeyId& id) const;

  std::unique_ptr<Store> store_;
  std::uint64_t counter_ = 0;  // of the store, when the cache was filled
  std::map<KeyId, std::shared_ptr<const Key>> keys_;
};

}  // namespace enfold
