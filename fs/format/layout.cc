#include "fs/format/layout.h"

namespace enfold::layout {
namespace {

std::unexpected<Error> unsupported(std::string_view structure, std::string_view field, std::uint64_t value) {
  return make_error(Errc::kUnsupported, std::string(structure) + ": " + std::string(field) + " " +
                                            std::to_string(value) +
                                            " is unknown to this program; use a newer Enfold");
}

Digest mac_of(const MacKey& key, ByteSpan before, ByteSpan part, ByteSpan structure) {
  return hmac_sha256(key.expose(), {before, part, structure.first(structure.size() - kMacBytes)});
}

}  // namespace

std::unexpected<Error> damaged(std::string_view structure, std::string_view what) {
  return make_error(Errc::kDamaged, std::string(structure) + ": " + std::string(what));
}

Result<void> read_magic_and_version(ByteReader& reader, const Magic& magic, std::string_view structure,
                                    Errc wrong_magic) {
  if (reader.array<8>() != magic) return make_error(wrong_magic, std::string(structure) + ": wrong magic");
  const std::uint16_t version = reader.u16();
  if (version != kFormatVersion) return unsupported(structure, "format version", version);
  return {};
}

void write_head(ByteWriter& writer, const Magic& magic, std::uint32_t secret_id, const VolumeId& volume) {
  writer.bytes(magic);
  writer.u16(kFormatVersion);
  writer.u16(kCipherAes256Gcm);
  writer.u32(0);
  writer.u32(secret_id);
  writer.u32(0);
  writer.bytes(volume.bytes);
}

Result<VolumeId> read_head(ByteReader& reader, const Magic& magic, std::string_view structure,
                           Errc wrong_magic) {
  ENFOLD_TRY(read_magic_and_version(reader, magic, structure, wrong_magic));
  const std::uint16_t cipher = reader.u16();
  if (cipher != kCipherAes256Gcm) return unsupported(structure, "cipher", cipher);
  const std::uint32_t flags = reader.u32();
  if (flags != 0) return unsupported(structure, "critical feature flags", flags);
  if (reader.u32() != kOnlySecretId) return damaged(structure, "the volume secret's id is not 1");
  if (reader.u32() != 0) return damaged(structure, "reserved bytes before the volume id are not zero");
  return VolumeId{reader.array<16>()};
}

void set_mac(const MacKey& key, ByteSpan before, ByteSpan part, MutableByteSpan structure) {
  std::ranges::copy(mac_of(key, before, part, structure), structure.last(kMacBytes).begin());
}

bool mac_verifies(const MacKey& key, ByteSpan before, ByteSpan part, ByteSpan structure) {
  return equal_in_constant_time(mac_of(key, before, part, structure), structure.last(kMacBytes));
}

}  // namespace enfold::layout
