// Which keys have something coming by itself, and when. Not thread-safe.
#pragma once

#include "kms/engine/key_row.h"
#include "kms/engine/row_cache.h"

namespace enfold {

class DueIndex {
 public:
  // `store` outlives the index.
  explicit DueIndex(const Store& store);

  // Up to what the store has read. A comparison where no key has changed.
  Result<void> sync();

  [[nodiscard]] std::optional<std::int64_t> next_unix_ms() const { return next_; }
  [[nodiscard]] std::vector<KeyId> due(std::int64_t now_unix_ms) const;

 private:
  struct Due {
    KeyId id{};
    std::optional<std::int64_t> unix_ms;
  };
  RowCache<Due> cache_;
  std::optional<std::int64_t> next_;
};

}  // namespace enfold
