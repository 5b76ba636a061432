// The export of a store, format version 1 (kms/FORMAT.md): every row's content under one passphrase.
#pragma once

#include <vector>

#include "kms/base/files.h"
#include "kms/crypto/scrypt.h"
#include "kms/store/passphrase_source.h"
#include "kms/store/store.h"

namespace enfold {

// Of the rows, encoded: what one call of the cipher takes.
inline constexpr std::size_t kMaxExportContentBytes = 0x7fffffff;

struct ExportedRow {
  RowId id;
  WipedBytes content;
};

// kLimit where the rows take more than kMaxExportContentBytes.
Result<void> check_export_bytes(std::size_t content);

// Asks for no passphrase where the rows are too many.
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

// The same of a file, that a passphrase is asked for only where it is an export. kInvalidArgument where it is
// no regular file.
Result<std::vector<ExportedRow>> read_export(Files& files, const std::string& path,
                                             PassphraseSource& passphrase);

}  // namespace enfold
