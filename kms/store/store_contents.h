// The rows of a store as one transaction left them, with the sums over them.
#pragma once

#include <map>

#include "kms/store/row_seal.h"

namespace enfold {

struct StoreContents {
  using Rows = std::map<RowId, Bytes>;  // sealed

  RootRow root;
  Bytes root_sealed;
  Rows rows;
  std::array<MultisetHash, kRowKinds> hashes;  // of the rows of each kind
  RowLocator locator;

  [[nodiscard]] MultisetHash hash() const;  // of all rows

  void add(RowId id, Bytes sealed, const Digest& element);
  // Nothing where there is no such row.
  void remove(const RowId& id, const RowSeal& seal);

 private:
  static std::size_t slot(RowKind kind) { return static_cast<std::size_t>(kind) - 1; }
};

// Which rows are not what `contents.root` says, as far as that can be told, for a person. `before` is what
// was verified earlier, null at open.
std::string name_changed_rows(const StoreContents& contents, const StoreContents* before,
                              const RowSeal& seal);

}  // namespace enfold
