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

constexpr std::size_t kMaxFileBytes = kExportHeadBytes + kBoxOverheadBytes + kMaxExportContentBytes;

// Takes memory for the whole only where the start says that it is an export.
Result<Bytes> read_content(Files& files, const std::string& path) {
  ENFOLD_TRY_ASSIGN(const Fd fd, files.open_at(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0));
  ENFOLD_TRY_ASSIGN(const StatX found, files.stat_at(fd.get(), ""));
  if (!S_ISREG(found.stx_mode))
    return make_error(Errc::kInvalidArgument, "This is no file; name the one that export-store wrote");
  Bytes content(kExportHeadBytes + kBoxOverheadBytes);
  ENFOLD_TRY_ASSIGN(std::size_t size, read_full(files, fd.get(), content, 0));
  ENFOLD_TRY(parse_export_head(ByteSpan(content).first(size)));
  if (found.stx_size > kMaxFileBytes) return malformed();
  content.resize(found.stx_size);
  ENFOLD_TRY_ASSIGN(size, read_full(files, fd.get(), content, 0));
  content.resize(size);
  return content;
}

}  // namespace

Result<void> check_export_bytes(std::size_t content) {
  if (content <= kMaxExportContentBytes) return {};
  return make_error(Errc::kLimit,
                    "The KMS store holds " + std::to_string(content >> 20) +
                        " MiB, and an export at most 2047 MiB; nothing was written: stop what uses the store "
                        "and copy its directory instead, or delete keys that nothing needs");
}

Result<Bytes> seal_export(const std::vector<ExportedRow>& rows, PassphraseSource& passphrase,
                          const ScryptCost& cost, Entropy& entropy) {
  const std::size_t content = encoded_bytes(rows);
  ENFOLD_TRY(check_export_bytes(content));
  ExportHead head{cost, random_array<32>(entropy)};
  ENFOLD_TRY_ASSIGN(WipedBytes key, passphrase_key(passphrase, head.salt, cost));
  Bytes file = encode_head(head);
  file.resize(kExportHeadBytes + kBoxOverheadBytes + content);
  seal_box(Label::kKmsExport, key.expose(), {ByteSpan(file).first(kExportHeadBytes)},
           encode_rows(rows).expose(), entropy, MutableByteSpan(file).subspan(kExportHeadBytes));
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

Result<std::vector<ExportedRow>> read_export(Files& files, const std::string& path,
                                             PassphraseSource& passphrase) {
  Result<Bytes> content = read_content(files, path);
  if (!content) return add_context(std::move(content).error(), path);
  return open_export(*content, passphrase);
}

}  // namespace enfold
