// How rows and the root row are sealed (kms/FORMAT.md, "Store"): bytes to bytes, without a database.
#pragma once

#include <optional>

#include "kms/base/entropy.h"
#include "kms/base/secret.h"
#include "kms/crypto/wiped_bytes.h"
#include "kms/store/multiset_hash.h"
#include "kms/store/row_id.h"
#include "kms/store/row_locator.h"

namespace enfold {

// What the root row says of all rows.
struct RootRow {
  std::uint64_t counter = 0;  // of transactions that changed something
  std::uint64_t rows = 0;
  MultisetHash hash;
  std::optional<RowLocator> locator{};  // nothing: a root row of store version 1
};

class RowSeal {
 public:
  // `entropy` outlives the seal.
  RowSeal(RootKey key, Entropy& entropy);

  [[nodiscard]] Bytes seal(const RowId& id, ByteSpan content) const;
  [[nodiscard]] std::optional<WipedBytes> open(const RowId& id, ByteSpan sealed) const;

  [[nodiscard]] Bytes seal_root(const RootRow& root) const;
  [[nodiscard]] std::optional<RootRow> open_root(ByteSpan sealed) const;

  // What the row adds to the root row's hash.
  [[nodiscard]] Digest element(const RowId& id, ByteSpan sealed) const;

  // Tells, without opening anything, whether a database is sealed under this key.
  [[nodiscard]] Digest key_check() const;

 private:
  RootKey key_;
  MacKey hash_key_;
  Entropy& entropy_;
};

}  // namespace enfold
