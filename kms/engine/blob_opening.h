// Opening a ciphertext blob with a key that has passed every check before (engine_admission.cc).
#pragma once

#include "kms/engine/key.h"

namespace enfold {

inline constexpr std::size_t kMaxPlaintextBytes = 4096;

// kKmsIncorrectKey for another key's blob, kKmsInvalidCiphertext for what does not verify.
Result<DecryptAnswer> open_blob_with(const Key& key, ByteSpan blob, const EncryptionContext& context);

}  // namespace enfold
