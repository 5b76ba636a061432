#include "kms/engine/key.h"

#include <algorithm>
#include <cstdlib>

#include "kms/engine/arn.h"

namespace enfold {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kFixedBytes = 1 + 1 + 8 + 2 + 2 + 2 + 2;
constexpr std::size_t kMaterialBytes = 32 + 8 + 32;

void put_text(ByteWriter& writer, const std::string& text) {
  writer.u16(static_cast<std::uint16_t>(text.size()));
  writer.bytes(as_bytes(text));
}

std::string take_text(ByteReader& reader) { return as_string(reader.bytes(reader.u16())); }

void put_material(ByteWriter& writer, const MaterialVersion& version) {
  writer.bytes(version.id);
  writer.u64(static_cast<std::uint64_t>(version.creation_unix_ms));
  writer.bytes(version.material.expose());
}

MaterialVersion take_material(ByteReader& reader) {
  MaterialVersion version;
  version.id = reader.array<32>();
  version.creation_unix_ms = static_cast<std::int64_t>(reader.u64());
  std::ranges::copy(reader.bytes(KeyMaterial::kSize), version.material.expose_mutable().begin());
  return version;
}

bool is_state(std::uint8_t state) { return state == 1 || state == 2; }

}  // namespace

std::string name_of(KeyState state) {
  switch (state) {
    case KeyState::kEnabled:
      return "Enabled";
    case KeyState::kDisabled:
      return "Disabled";
    case KeyState::kPendingDeletion:
      return "PendingDeletion";
  }
  std::abort();  // no such state is ever decoded
}

const MaterialVersion* Key::find_material(const MaterialId& material) const {
  auto found = std::ranges::find(materials, material, &MaterialVersion::id);
  return found == materials.end() ? nullptr : &*found;
}

WipedBytes encode_key(const Key& key) {
  WipedBytes out(kFixedBytes + key.scope.region.size() + key.scope.account.size() + key.description.size() +
                 key.materials.size() * kMaterialBytes);
  ByteWriter writer(out.expose_mutable());
  writer.u8(kVersion);
  writer.u8(static_cast<std::uint8_t>(key.state));
  writer.u64(static_cast<std::uint64_t>(key.creation_unix_ms));
  put_text(writer, key.scope.region);
  put_text(writer, key.scope.account);
  put_text(writer, key.description);
  writer.u16(static_cast<std::uint16_t>(key.materials.size()));
  for (const MaterialVersion& version : key.materials) put_material(writer, version);
  return out;
}

Result<Key> decode_key(const KeyId& id, ByteSpan content) {
  ByteReader reader(content);
  if (std::uint8_t version = reader.u8(); reader.ok() && version != kVersion)
    return make_error(Errc::kUnsupported, "A key of the KMS store has format version " +
                                              std::to_string(version) + ", which this program does not know");
  Key key;
  key.id = id;
  const std::uint8_t state = reader.u8();
  key.creation_unix_ms = static_cast<std::int64_t>(reader.u64());
  key.scope.region = take_text(reader);
  key.scope.account = take_text(reader);
  key.description = take_text(reader);
  for (std::uint16_t left = reader.u16(); left > 0 && reader.ok(); --left)
    key.materials.push_back(take_material(reader));
  if (!reader.ok() || reader.remaining() != 0 || key.materials.empty() || !is_state(state))
    return make_error(Errc::kStoreTampered, "A key of the KMS store is malformed");
  key.state = static_cast<KeyState>(state);
  key.arn = arn_of(key.scope, uuid_text(id));
  return key;
}

KeyMetadata metadata_of(const Key& key) {
  KeyMetadata out{.key_id = uuid_text(key.id),
                  .arn = key.arn,
                  .scope = key.scope,
                  .creation_unix_ms = key.creation_unix_ms,
                  .state = key.state,
                  .description = key.description,
                  .current_material_id = to_hex(key.current().id),
                  .all_material_ids = {},
                  .manager = KeyManager::kCustomer};
  for (const MaterialVersion& version : key.materials) out.all_material_ids.push_back(to_hex(version.id));
  return out;
}

}  // namespace enfold
