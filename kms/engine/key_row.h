// A key's row in the store (kms/FORMAT.md, "Key row").
#pragma once

#include "kms/engine/key.h"
#include "kms/store/row_id.h"

namespace enfold {

RowId key_row(const KeyId& id);

// Always in the newest version of the row.
WipedBytes encode_key(const Key& key);

// The content of the row of `id`, of any version. kStoreTampered where it is malformed, kUnsupported for a
// newer version.
Result<Key> decode_key(const KeyId& id, ByteSpan content);

}  // namespace enfold
