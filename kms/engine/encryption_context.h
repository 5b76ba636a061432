// The encryption context of a KMS call: string pairs, bound to the ciphertext, in clear in the audit log.
#pragma once

#include <map>
#include <string>

#include "kms/base/bytes.h"

namespace enfold {

using EncryptionContext = std::map<std::string, std::string>;

// The canonical encoding that is authenticated: count (u32), then for each pair in byte order of the keys the
// length (u32) and bytes of key and value. Two different contexts never encode alike.
Bytes encode_context(const EncryptionContext& context);

}  // namespace enfold
