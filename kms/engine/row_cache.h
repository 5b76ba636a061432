// All rows of one kind, decoded, kept until the store shows another version of them: then only those that
// changed are opened again. Not thread-safe.
#pragma once

#include <map>
#include <utility>

#include "kms/store/store.h"

namespace enfold {

template <class Value>
class RowCache {
 public:
  using Decode = Result<Value> (*)(const RowId& id, ByteSpan content);

  // `store` outlives the cache.
  RowCache(const Store& store, RowKind kind, Decode decode) : store_(store), kind_(kind), decode_(decode) {}

  // Brings the cache up to what the store has read. True where rows may have changed.
  Result<bool> sync() {
    const std::uint64_t version = store_.version_of(kind_);
    if (version == version_) return false;
    version_ = 0;
    Rows next;
    for (auto& [id, stamp] : store_.list(kind_)) {
      Result<Entry> entry = current(id, stamp);
      if (!entry) {
        rows_.clear();  // some have moved on
        return std::unexpected(std::move(entry).error());
      }
      next.emplace(std::move(id), *std::move(entry));
    }
    rows_ = std::move(next);
    version_ = version;
    return true;
  }

  struct Entry {
    std::uint64_t stamp;
    Value value;
  };
  using Rows = std::map<RowId, Entry>;
  [[nodiscard]] const Rows& rows() const { return rows_; }

 private:
  Result<Entry> current(const RowId& id, std::uint64_t stamp) {
    if (auto known = rows_.find(id); known != rows_.end() && known->second.stamp == stamp)
      return Entry{stamp, std::move(known->second.value)};
    ENFOLD_TRY_ASSIGN(std::optional<WipedBytes> content, store_.read(id));
    if (!content) return make_error(Errc::kKmsInternal, "A listed row is not there: " + name_of(id));
    ENFOLD_TRY_ASSIGN(Value value, decode_(id, content->expose()));
    return Entry{stamp, std::move(value)};
  }

  const Store& store_;
  RowKind kind_;
  Decode decode_;
  Rows rows_;
  std::uint64_t version_ = 0;
};

}  // namespace enfold
