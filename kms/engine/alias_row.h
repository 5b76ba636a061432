// An alias as the engine holds it, its row in the store (kms/FORMAT.md, "Alias row"), and AWS's rules for its
// name.
#pragma once

#include <string>

#include "kms/engine/ciphertext_blob.h"
#include "kms/engine/operations.h"
#include "kms/engine/validation.h"
#include "kms/store/row_id.h"

namespace enfold {

struct Alias {
  CallScope scope;
  std::string name;  // with "alias/" in front
  KeyId target{};    // a key of the same scope
  std::int64_t creation_unix_ms = 0;
  std::int64_t last_updated_unix_ms = 0;
};

RowId alias_row(const CallScope& scope, const std::string& name);

WipedBytes encode_alias(const Alias& alias);

// kStoreTampered where it is malformed, kUnsupported for a newer version.
Result<Alias> decode_alias(const RowId& id, ByteSpan content);

AliasEntry entry_of(const Alias& alias);

// Length and pattern of the model.
void validate_alias_name(Validation& validation, const std::string& name);
// What the model's pattern lets through and AWS refuses: kKmsValidation, kKmsInvalidAliasName for a name that
// is AWS's own.
Result<void> require_customer_alias(const std::string& name);

}  // namespace enfold
