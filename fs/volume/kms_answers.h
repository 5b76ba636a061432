// Whether what a KMS has wrapped may be relied on: looked at before anything that hangs on it is written.
#pragma once

#include <span>
#include <string>

#include "kms/client/kms_client.h"

namespace enfold {

// That an envelope slot holds a ciphertext of so many bytes beside these names: else kKmsBadAnswer.
Result<void> check_fits(const std::string& key_arn, std::size_t ciphertext_bytes,
                        const std::string& material_id);

// What a new data key shows by itself: kKmsBadAnswer where another key than `asked` has wrapped it, where it
// is all zero, or where no envelope holds it.
Result<void> check_generated(const GeneratedDataKey& answer, const std::string& asked);

struct GeneratedItem {
  GeneratedDataKey& key;
  const EncryptionContext& context;
};

// That the KMS opens what it has wrapped, by one call where it has batches: a file whose key it does not open
// reads well while the key is cached, and never again. kKmsBadAnswer where another key than the one answered
// comes out; errors of the KMS as they are. Each key then has the id of the material that opened it.
Result<void> check_kms_opens(KmsClient& kms, std::span<const GeneratedItem> items);

}  // namespace enfold
