// How rows and the root row are sealed (kms/FORMAT.md, "Store"): bytes to bytes, without a database.
#pragma once

#include <compare>
#include <optional>

#include "kms/base/entropy.h"
#include "kms/base/secret.h"
#include "kms/crypto/wiped_bytes.h"
#include "kms/store/multiset_hash.h"

namespace enfold {

enum class RowKind : std::uint8_t { kKey = 1 };

// A row's identity: part of what is authenticated, so that no row passes for another.
struct RowId {
  RowKind kind = RowKind::kKey;
  Bytes id;
  friend auto operator<=>(const RowId&, const RowId&) = default;
};

// What the root row says of all rows.
struct RootRow {
  std::uint64_t counter = 0;  // of transactions that changed something
  std::uint64_t rows = 0;
  MultisetHash hash;
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
