#include "kms/store/root_key_file.h"

#include "kms/crypto/sealed_box.h"

namespace enfold {
namespace {

constexpr std::string_view kMagic = "ENFKROOT";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kFixedBytes = 12;               // magic, version, kind, reserved
constexpr std::size_t kScryptBytes = 8 + 4 + 4 + 32;  // cost and salt
constexpr std::size_t kSealedKeyBytes = kBoxOverheadBytes + RootKey::kSize;

std::unexpected<Error> malformed() {
  return make_error(Errc::kStoreTampered,
                    "root.key is not a root key file, or was changed; restore it from its backup");
}

bool known(std::uint8_t kind) {
  return kind >= 1 && kind <= static_cast<std::uint8_t>(RootKeyKind::kCredential);
}

void read_parameters(ByteReader& reader, RootKeyFile& file) {
  if (file.kind == RootKeyKind::kPassphrase) {
    file.cost.n = reader.u64();
    file.cost.r = reader.u32();
    file.cost.p = reader.u32();
    file.salt = reader.array<32>();
  }
  if (file.kind == RootKeyKind::kCredential) file.credential_name = as_string(reader.bytes(reader.u16()));
}

std::size_t parameter_bytes(const RootKeyFile& file) {
  if (file.kind == RootKeyKind::kPassphrase) return kScryptBytes;
  if (file.kind == RootKeyKind::kCredential) return 2 + file.credential_name.size();
  return 0;
}

}  // namespace

bool is_credential_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

Bytes encode_head(const RootKeyFile& file) {
  Bytes out(kFixedBytes + parameter_bytes(file));
  ByteWriter writer(out);
  writer.bytes(as_bytes(kMagic));
  writer.u8(kVersion);
  writer.u8(static_cast<std::uint8_t>(file.kind));
  writer.zeros(2);
  if (file.kind == RootKeyKind::kPassphrase) {
    writer.u64(file.cost.n);
    writer.u32(file.cost.r);
    writer.u32(file.cost.p);
    writer.bytes(file.salt);
  }
  if (file.kind == RootKeyKind::kCredential) {
    writer.u16(static_cast<std::uint16_t>(file.credential_name.size()));
    writer.bytes(as_bytes(file.credential_name));
  }
  return out;
}

Result<RootKeyFile> parse_root_key_file(ByteSpan content) {
  ByteReader reader(content);
  if (as_string(reader.bytes(kMagic.size())) != kMagic) return malformed();
  std::uint8_t version = reader.u8();
  if (reader.ok() && version != kVersion)
    return make_error(Errc::kUnsupported, "root.key has format version " + std::to_string(version) +
                                              ", which this program does not know");
  std::uint8_t kind = reader.u8();
  reader.zeros(2);
  if (!reader.ok() || !known(kind)) return malformed();
  RootKeyFile file;
  file.kind = static_cast<RootKeyKind>(kind);
  read_parameters(reader, file);
  const std::size_t body_bytes = file.kind == RootKeyKind::kGenerated ? RootKey::kSize : kSealedKeyBytes;
  if (!reader.ok() || reader.remaining() != body_bytes) return malformed();
  if (file.kind == RootKeyKind::kCredential && !is_credential_name(file.credential_name)) return malformed();
  ByteSpan head = content.first(content.size() - body_bytes);
  ByteSpan body = reader.bytes(body_bytes);
  file.head.assign(head.begin(), head.end());
  file.body.assign(body.begin(), body.end());
  return file;
}

}  // namespace enfold
