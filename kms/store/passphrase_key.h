// From a passphrase to a key, once: ask, stretch by scrypt, wipe.
#pragma once

#include "kms/crypto/scrypt.h"
#include "kms/crypto/wiped_bytes.h"
#include "kms/store/passphrase_source.h"

namespace enfold {

// 32 bytes. kInvalidArgument for an empty passphrase. A cost out of scrypt()'s bounds is kStoreTampered: it
// came from a file.
Result<WipedBytes> passphrase_key(PassphraseSource& source, ByteSpan salt, const ScryptCost& cost);

}  // namespace enfold
