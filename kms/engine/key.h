// A key as the engine holds it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kms/base/secret.h"
#include "kms/engine/ciphertext_blob.h"
#include "kms/engine/operations.h"

namespace enfold {

enum class MaterialSource : std::uint8_t { kCreated = 1, kOnDemand = 2, kScheduled = 3 };

struct MaterialVersion {
  MaterialId id{};
  std::int64_t creation_unix_ms = 0;
  MaterialSource source = MaterialSource::kCreated;
  KeyMaterial material;
};

// When the schedule makes new material. Kept while a key is disabled or pending deletion, and not followed.
struct RotationPlan {
  std::int64_t period_days = 0;
  std::int64_t next_unix_ms = 0;
};

struct Key {
  KeyId id{};
  CallScope scope;
  KeyState state = KeyState::kEnabled;
  std::int64_t creation_unix_ms = 0;
  std::string description;
  KeyManager manager = KeyManager::kCustomer;
  std::string service;                           // only of an AWS-managed key: SERVICE of alias/aws/SERVICE
  std::optional<std::int64_t> deletion_unix_ms;  // exactly while pending deletion
  std::optional<RotationPlan> rotation;          // nothing: rotation is off
  std::vector<Tag> tags;                         // by key
  std::vector<MaterialVersion> materials;        // oldest first, never empty; the last one encrypts
  std::string arn;                               // made from scope and id

  [[nodiscard]] const MaterialVersion& current() const { return materials.back(); }
  // Null where the key has no such material.
  [[nodiscard]] const MaterialVersion* find_material(const MaterialId& material) const;
};

KeyMetadata metadata_of(const Key& key);

}  // namespace enfold
