// A key as the engine holds it, and its row in the store (kms/FORMAT.md, "Key row").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kms/base/secret.h"
#include "kms/engine/ciphertext_blob.h"
#include "kms/engine/operations.h"

namespace enfold {

struct MaterialVersion {
  MaterialId id{};
  std::int64_t creation_unix_ms = 0;
  KeyMaterial material;
};

// On-demand rotations of one key, as in AWS.
inline constexpr std::size_t kMaxRotations = 25;

struct Key {
  KeyId id{};
  CallScope scope;
  KeyState state = KeyState::kEnabled;
  std::int64_t creation_unix_ms = 0;
  std::string description;
  std::vector<MaterialVersion> materials;  // oldest first, never empty; the last one encrypts
  std::string arn;                         // made from scope and id

  [[nodiscard]] const MaterialVersion& current() const { return materials.back(); }
  // Null where the key has no such material.
  [[nodiscard]] const MaterialVersion* find_material(const MaterialId& material) const;
};

WipedBytes encode_key(const Key& key);

// The content of the row of `id`. kStoreTampered where it is malformed: only a sealed row gets here, so an
// older or newer program wrote it.
Result<Key> decode_key(const KeyId& id, ByteSpan content);

KeyMetadata metadata_of(const Key& key);

}  // namespace enfold
