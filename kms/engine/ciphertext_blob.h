// What Encrypt and GenerateDataKey answer, and Decrypt takes: kms/FORMAT.md, "Ciphertext blob".
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "kms/base/entropy.h"
#include "kms/base/error.h"
#include "kms/base/secret.h"
#include "kms/crypto/wiped_bytes.h"
#include "kms/engine/encryption_context.h"

namespace enfold {

using KeyId = std::array<std::uint8_t, 16>;       // a random (version 4) UUID
using MaterialId = std::array<std::uint8_t, 32>;  // random; in hexadecimal it is AWS's KeyMaterialId

// 8-4-4-4-12 lower-case hexadecimal digits, and back. Nothing for any other text.
std::string uuid_text(const KeyId& id);
std::optional<KeyId> parse_uuid(std::string_view text);

// What a blob says of itself in clear. Not verified: only opening the blob shows that it is true.
struct BlobHeader {
  KeyId key_id{};
  MaterialId material_id{};
};

inline constexpr std::size_t kBlobHeaderBytes = 53;
inline constexpr std::size_t kBlobOverheadBytes = kBlobHeaderBytes + 44;

// kKmsInvalidCiphertext where it is no blob of ours; kUnsupported for a newer version.
Result<BlobHeader> read_blob_header(ByteSpan blob);

Bytes seal_blob(const BlobHeader& header, const KeyMaterial& material, const EncryptionContext& context,
                ByteSpan plaintext, Entropy& entropy);

// Nothing where the blob does not verify under this material and context. `blob` has passed read_blob_header.
std::optional<WipedBytes> open_blob(ByteSpan blob, const KeyMaterial& material,
                                    const EncryptionContext& context);

}  // namespace enfold
