// What a caller may write as a key, and the refusals of AWS for what it may not.
#pragma once

#include <string>

#include "kms/engine/ciphertext_blob.h"
#include "kms/engine/key.h"

namespace enfold {

// The id in `key_id`, an id or an ARN of this scope. kKmsNotFound: "Invalid keyId 'x'", "Invalid arn REGION",
// or as key_not_found() for an ARN of another account.
Result<KeyId> resolve_key_id(const CallScope& scope, const std::string& key_id);

// "Key 'ARN' does not exist"
std::unexpected<Error> key_not_found(const CallScope& scope, const KeyId& id);

// kKmsDisabled: "ARN is disabled."
Result<void> require_enabled(const Key& key);

}  // namespace enfold
