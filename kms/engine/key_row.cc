#include "kms/engine/key_row.h"

#include "kms/engine/arn.h"
#include "kms/engine/rotation.h"
#include "kms/engine/stored_row.h"
#include "kms/engine/tags.h"

namespace enfold {
namespace {

constexpr std::uint8_t kOldVersion = 1;  // no manager, deletion, rotation or tags; rotated only on demand
constexpr std::uint8_t kVersion = 2;
constexpr std::size_t kFixedBytes = 1 + 1 + 8 + 1 + 8 + 2 + 8 + 1 + 2;
constexpr std::size_t kMaterialBytes = 32 + 8 + 1 + 32;

std::size_t encoded_bytes(const Key& key) {
  std::size_t size = kFixedBytes + key.materials.size() * kMaterialBytes;
  for (const std::string* text : {&key.scope.region, &key.scope.account, &key.description, &key.service})
    size += text_bytes(*text);
  for (const Tag& tag : key.tags) size += text_bytes(tag.key) + text_bytes(tag.value);
  return size;
}

void put_time(ByteWriter& writer, std::int64_t unix_ms) { writer.u64(static_cast<std::uint64_t>(unix_ms)); }
std::int64_t take_time(ByteReader& reader) { return static_cast<std::int64_t>(reader.u64()); }

void put_material(ByteWriter& writer, const MaterialVersion& version) {
  writer.bytes(version.id);
  put_time(writer, version.creation_unix_ms);
  writer.u8(static_cast<std::uint8_t>(version.source));
  writer.bytes(version.material.expose());
}

// What is read of a row, with what its fields may not be.
struct Decoder {
  ByteReader reader;
  std::uint8_t version;
  bool good = true;

  void require(bool holds) { good = good && holds; }
  void state(Key& key) {
    const std::uint8_t state = reader.u8();
    require(state >= 1 && state <= (version == kOldVersion ? 2 : 3));
    key.state = static_cast<KeyState>(state);
  }
  void names(Key& key) {
    key.creation_unix_ms = take_time(reader);
    key.scope.region = take_text(reader);
    key.scope.account = take_text(reader);
    key.description = take_text(reader);
  }
  void manager(Key& key) {
    const std::uint8_t manager = reader.u8();
    require(manager == 1 || manager == 2);
    key.manager = static_cast<KeyManager>(manager);
    key.service = take_text(reader);
    require(key.service.empty() == (key.manager == KeyManager::kCustomer));
  }
  void deletion(Key& key) {
    const std::int64_t date = take_time(reader);
    if (key.state == KeyState::kPendingDeletion)
      key.deletion_unix_ms = date;
    else
      require(date == 0);
  }
  void rotation(Key& key) {
    RotationPlan plan{reader.u16(), take_time(reader)};
    if (plan.period_days != 0)
      key.rotation = plan;
    else
      require(plan.next_unix_ms == 0);
    require(plan.period_days == 0 || is_rotation_period(plan.period_days));
  }
  void tags(Key& key) {
    for (std::uint8_t left = reader.u8(); left > 0 && reader.ok(); --left) {
      std::string name = take_text(reader);
      key.tags.push_back({std::move(name), take_text(reader)});
    }
    require(key.tags.size() <= kMaxTags && are_in_order(key.tags));
  }
  void materials(Key& key) {
    for (std::uint16_t left = reader.u16(); left > 0 && reader.ok(); --left)
      key.materials.push_back(material(key.materials.empty()));
    require(!key.materials.empty());
  }
  MaterialVersion material(bool first) {
    MaterialVersion out;
    out.id = reader.array<32>();
    out.creation_unix_ms = take_time(reader);
    const auto old_source =
        static_cast<std::uint8_t>(first ? MaterialSource::kCreated : MaterialSource::kOnDemand);
    const std::uint8_t source = version == kOldVersion ? old_source : reader.u8();
    require(source >= 1 && source <= 3 && first == (source == 1));
    out.source = static_cast<MaterialSource>(source);
    std::ranges::copy(reader.bytes(KeyMaterial::kSize), out.material.expose_mutable().begin());
    return out;
  }
};

}  // namespace

RowId key_row(const KeyId& id) { return {RowKind::kKey, Bytes(id.begin(), id.end())}; }

WipedBytes encode_key(const Key& key) {
  WipedBytes out(encoded_bytes(key));
  ByteWriter writer(out.expose_mutable());
  writer.u8(kVersion);
  writer.u8(static_cast<std::uint8_t>(key.state));
  put_time(writer, key.creation_unix_ms);
  for (const std::string* text : {&key.scope.region, &key.scope.account, &key.description})
    put_text(writer, *text);
  writer.u8(static_cast<std::uint8_t>(key.manager));
  put_text(writer, key.service);
  put_time(writer, key.deletion_unix_ms.value_or(0));
  const RotationPlan plan = key.rotation.value_or(RotationPlan{});
  writer.u16(static_cast<std::uint16_t>(plan.period_days));
  put_time(writer, plan.next_unix_ms);
  writer.u8(static_cast<std::uint8_t>(key.tags.size()));
  for (const Tag& tag : key.tags) {
    put_text(writer, tag.key);
    put_text(writer, tag.value);
  }
  writer.u16(static_cast<std::uint16_t>(key.materials.size()));
  for (const MaterialVersion& version : key.materials) put_material(writer, version);
  return out;
}

Result<Key> decode_key(const KeyId& id, ByteSpan content) {
  ByteReader reader(content);
  const std::uint8_t version = reader.u8();
  if (reader.ok() && version != kVersion && version != kOldVersion)
    return unknown_row_version(key_row(id), version);
  Decoder decoder{reader, version};
  Key key;
  key.id = id;
  decoder.state(key);
  decoder.names(key);
  if (version != kOldVersion) {
    decoder.manager(key);
    decoder.deletion(key);
    decoder.rotation(key);
    decoder.tags(key);
  }
  decoder.materials(key);
  if (!decoder.good || !decoder.reader.ok() || decoder.reader.remaining() != 0)
    return malformed_row(key_row(id));
  key.arn = arn_of(key.scope, uuid_text(id));
  return key;
}

}  // namespace enfold
