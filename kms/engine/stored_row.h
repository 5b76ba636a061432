// What the rows of all kinds have in common.
#pragma once

#include "kms/base/bytes.h"
#include "kms/base/error.h"
#include "kms/store/row_id.h"

namespace enfold {

// Texts: length (u16), bytes. At most 65,535 bytes.
inline std::size_t text_bytes(const std::string& text) { return 2 + text.size(); }
void put_text(ByteWriter& writer, const std::string& text);
std::string take_text(ByteReader& reader);

// kStoreTampered: only a sealed row gets decoded, so an older or newer program wrote this one.
std::unexpected<Error> malformed_row(const RowId& id);
// kUnsupported
std::unexpected<Error> unknown_row_version(const RowId& id, std::uint8_t version);

}  // namespace enfold
