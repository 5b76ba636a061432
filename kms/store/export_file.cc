#include "kms/store/export_file.h"

#include "kms/crypto/sealed_box.h"
#include "kms/store/passphrase_key.h"

namespace enfold {
namespace {

constexpr std::string_view kMagic = "ENFKEXPT";
constexpr std::uint8_t kVersion = 1;

std::unexpected<Error> malformed() {
  return make_error(Errc::kStoreTampered, "This is not an export of a KMS store, or it is damaged");
}

Bytes encode_head(const ExportHead& head) {
  Bytes out(kExportHeadBytes);
  ByteWriter writer(out);
  writer.bytes(as_bytes(kMagic));
  writer.u8(kVersion);
  writer.zeros(3);
  writer.u64(head.cost.n);
  writer.u32(head.cost.r);
  writer.u32(head.cost.p);
  writer.bytes(head.salt);
  return out;
}

std::size_t encoded_bytes(const std::vector<ExportedRow>& rows) {
  std::size_t size = 4;
  for (const ExportedRow& row : rows) size += 1 + 2 + row.id.id.size() + 4 + row.content.size();
  return size;
}

WipedBytes encode_rows(const std::vector<ExportedRow>& rows) {
  WipedBytes out(encoded_bytes(rows));
  ByteWriter writer(out.expose_mutable());
  writer.u32(static_cast<std::uint32_t>(rows.size()));
  for (const ExportedRow& row : rows) {
    writer.u8(static_cast<std::uint8_t>(row.id.kind));
    writer.u16(static_cast<std::uint16_t>(row.id.id.size()));
    writer.bytes(row.id.id);
    writer.u32(static_cast<std::uint32_t>(row.content.size()));
    writer.bytes(row.content.expose());
  }
  return out;
}

Result<std::vector<ExportedRow>> decode_rows(ByteSpan content) {
  ByteReader reader(content);
  std::vector<ExportedRow> rows;
  for (std::uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) {
    RowId id;
    id.kind = static_cast<RowKind>(reader.u8());
    ByteSpan name = reader.bytes(reader.u16());
    id.id.assign(name.begin(), name.end());
    if (!is_row_kind(static_cast<std::int64_t>(id.kind))) return malformed();
    rows.push_back({std::move(id), WipedBytes(reader.bytes(reader.u32()))});
  }
  if (!reader.ok() || reader.remaining() != 0) return malformed();
  return rows;
}

}  // namespace

Result<Bytes> seal_export(const std::vector<ExportedRow>& rows, PassphraseSource& passphrase,
                          const ScryptCost& cost, Entropy& entropy) {
  ExportHead head{cost, random_array<32>(entropy)};
  ENFOLD_TRY_ASSIGN(WipedBytes key, passphrase_key(passphrase, head.salt, cost));
  Bytes file = encode_head(head);
  const Bytes associated = file;
  append_box(Label::kKmsExport, key.expose(), associated, encode_rows(rows).expose(), entropy, file);
  return file;
}

Result<ExportHead> parse_export_head(ByteSpan file) {
  ByteReader reader(file);
  if (as_string(reader.bytes(kMagic.size())) != kMagic) return malformed();
  std::uint8_t version = reader.u8();
  if (reader.ok() && version != kVersion)
    return make_error(Errc::kUnsupported, "This export has format version " + std::to_string(version) +
                                              ", which this program does not know");
  reader.zeros(3);
  ExportHead head;
  head.cost.n = reader.u64();
  head.cost.r = reader.u32();
  head.cost.p = reader.u32();
  head.salt = reader.array<32>();
  if (!reader.ok() || reader.remaining() < kBoxOverheadBytes) return malformed();
  return head;
}

Result<std::vector<ExportedRow>> open_export(ByteSpan file, PassphraseSource& passphrase) {
  ENFOLD_TRY_ASSIGN(ExportHead head, parse_export_head(file));
  ENFOLD_TRY_ASSIGN(WipedBytes key, passphrase_key(passphrase, head.salt, head.cost));
  std::optional<WipedBytes> content = open_box(
      Label::kKmsExport, key.expose(), {file.first(kExportHeadBytes)}, file.subspan(kExportHeadBytes));
  if (!content)
    return make_error(Errc::kWrongRootKey,
                      "The passphrase does not open the export: it is wrong, or the file was changed");
  return decode_rows(content->expose());
}

}  // namespace enfold
