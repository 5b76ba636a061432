// The export of a store, format version 1 (kms/FORMAT.md): every row's content under one passphrase.
#pragma once

#include <vector>

#include "kms/crypto/scrypt.h"
#include "kms/store/passphrase_source.h"
#include "kms/store/store.h"

namespace enfold {

inline constexpr std::size_t kMaxExportBytes = std::size_t{64} << 20;

struct ExportedRow {
  RowId id;
  WipedBytes content;
};

Result<Bytes> seal_export(const std::vector<ExportedRow>& rows, PassphraseSource& passphrase,
                          const ScryptCost& cost, Entropy& entropy);

// What an export says of itself in clear.
struct ExportHead {
  ScryptCost cost;
  std::array<std::uint8_t, 32> salt{};
};
inline constexpr std::size_t kExportHeadBytes = 60;

// kStoreTampered where it is no export; kUnsupported for a newer version.
Result<ExportHead> parse_export_head(ByteSpan file);

// kWrongRootKey where passphrase or file is not the right one.
Result<std::vector<ExportedRow>> open_export(ByteSpan file, PassphraseSource& passphrase);

}  // namespace enfold
