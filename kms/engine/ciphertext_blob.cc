#include "kms/engine/ciphertext_blob.h"

#include "kms/crypto/sealed_box.h"

namespace enfold {
namespace {

constexpr std::string_view kMagic = "ENFK";
constexpr std::uint8_t kVersion = 1;

static_assert(kBlobHeaderBytes == kMagic.size() + 1 + sizeof(KeyId) + sizeof(MaterialId));
static_assert(kBlobOverheadBytes == kBlobHeaderBytes + kBoxOverheadBytes);

void write_header(const BlobHeader& header, MutableByteSpan out) {
  ByteWriter writer(out);
  writer.bytes(as_bytes(kMagic));
  writer.u8(kVersion);
  writer.bytes(header.key_id);
  writer.bytes(header.material_id);
}

constexpr std::array<std::size_t, 5> kUuidGroupBytes{4, 2, 2, 2, 6};

}  // namespace

std::string uuid_text(const KeyId& id) {
  std::string out;
  ByteSpan rest = id;
  for (std::size_t bytes : kUuidGroupBytes) {
    if (!out.empty()) out += '-';
    out += to_hex(rest.first(bytes));
    rest = rest.subspan(bytes);
  }
  return out;
}

std::optional<KeyId> parse_uuid(std::string_view text) {
  std::string digits;
  for (char c : text)
    if (c != '-') digits += c;
  Bytes bytes;
  KeyId id{};
  if (!from_hex(digits, bytes) || bytes.size() != id.size()) return std::nullopt;
  std::ranges::copy(bytes, id.begin());
  if (uuid_text(id) != text) return std::nullopt;
  return id;
}

Result<BlobHeader> read_blob_header(ByteSpan blob) {
  ByteReader reader(blob);
  bool ours = as_string(reader.bytes(kMagic.size())) == kMagic;
  std::uint8_t version = reader.u8();
  BlobHeader header{.key_id = reader.array<16>(), .material_id = reader.array<32>()};
  if (!ours || !reader.ok() || reader.remaining() < kBoxOverheadBytes)
    return make_error(Errc::kKmsInvalidCiphertext, "");
  if (version != kVersion)
    return make_error(Errc::kUnsupported, "The ciphertext has format version " + std::to_string(version) +
                                              ", which this program does not know");
  return header;
}

// The header is authenticated as it stands in the blob, then the context. The header's length is fixed, so
// the two cannot be cut elsewhere.
Bytes seal_blob(const BlobHeader& header, const KeyMaterial& material, const EncryptionContext& context,
                ByteSpan plaintext, Entropy& entropy) {
  Bytes blob(kBlobOverheadBytes + plaintext.size());
  const MutableByteSpan head = MutableByteSpan(blob).first(kBlobHeaderBytes);
  write_header(header, head);
  seal_box(Label::kKmsCiphertext, material.expose(), {head, encode_context(context)}, plaintext, entropy,
           MutableByteSpan(blob).subspan(kBlobHeaderBytes));
  return blob;
}

std::optional<WipedBytes> open_blob(ByteSpan blob, const KeyMaterial& material,
                                    const EncryptionContext& context) {
  return open_box(Label::kKmsCiphertext, material.expose(),
                  {blob.first(kBlobHeaderBytes), encode_context(context)}, blob.subspan(kBlobHeaderBytes));
}

}  // namespace enfold
