#include "kms/engine/blob_opening.h"

namespace enfold {
namespace {

// AWS gives this class no message (kms/README.md).
std::unexpected<Error> invalid_ciphertext() { return make_error(Errc::kKmsInvalidCiphertext, ""); }

}  // namespace

Result<DecryptAnswer> open_blob_with(const Key& key, ByteSpan blob, const EncryptionContext& context) {
  ENFOLD_TRY_ASSIGN(const BlobHeader header, read_blob_header(blob));
  if (header.key_id != key.id)
    return make_error(Errc::kKmsIncorrectKey,
                      "The key ID in the request does not identify a CMK that can perform this operation.");
  const MaterialVersion* version = key.find_material(header.material_id);
  if (version == nullptr) return invalid_ciphertext();
  std::optional<WipedBytes> plaintext = open_blob(blob, version->material, context);
  if (!plaintext) return invalid_ciphertext();
  return DecryptAnswer{*std::move(plaintext), key.arn, to_hex(version->id)};
}

}  // namespace enfold
