#include "kms/store/row_seal.h"

#include "kms/crypto/sealed_box.h"

namespace enfold {
namespace {

constexpr std::string_view kRootAssociated = "enfold kms store, format 1";
constexpr std::size_t kOldRootRowBytes = 8 + 8 + 32;  // store version 1
constexpr std::size_t kRootRowBytes = kOldRootRowBytes + 8 + 8;

Bytes associated_of(const RowId& id) {
  Bytes out(1 + id.id.size());
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(id.kind));
  writer.bytes(id.id);
  return out;
}

}  // namespace

RowSeal::RowSeal(RootKey key, Entropy& entropy)
    : key_(std::move(key)),
      hash_key_(derive<MacKey>(Label::kKmsStoreHash, key_.expose(), {}, {})),
      entropy_(entropy) {}

Bytes RowSeal::seal(const RowId& id, ByteSpan content) const {
  Bytes sealed;
  append_box(Label::kKmsStoreRow, key_.expose(), associated_of(id), content, entropy_, sealed);
  return sealed;
}

std::optional<WipedBytes> RowSeal::open(const RowId& id, ByteSpan sealed) const {
  return open_box(Label::kKmsStoreRow, key_.expose(), {associated_of(id)}, sealed);
}

Bytes RowSeal::seal_root(const RootRow& root) const {
  std::array<std::uint8_t, kRootRowBytes> content{};
  ByteWriter writer(content);
  writer.u64(root.counter);
  writer.u64(root.rows);
  writer.bytes(root.hash.value());
  const RowLocator locator = root.locator.value_or(RowLocator());
  writer.u64(locator.plain_sum());
  writer.u64(locator.weighted_sum());
  Bytes sealed;
  append_box(Label::kKmsStoreRoot, key_.expose(), as_bytes(kRootAssociated), content, entropy_, sealed);
  return sealed;
}

std::optional<RootRow> RowSeal::open_root(ByteSpan sealed) const {
  std::optional<WipedBytes> content =
      open_box(Label::kKmsStoreRoot, key_.expose(), {as_bytes(kRootAssociated)}, sealed);
  if (!content || (content->size() != kRootRowBytes && content->size() != kOldRootRowBytes))
    return std::nullopt;
  ByteReader reader(content->expose());
  RootRow root;
  root.counter = reader.u64();
  root.rows = reader.u64();
  root.hash = MultisetHash(reader.array<32>());
  if (content->size() == kOldRootRowBytes) return root;
  const std::uint64_t plain = reader.u64();
  root.locator = RowLocator(plain, reader.u64());
  return root;
}

Digest RowSeal::element(const RowId& id, ByteSpan sealed) const {
  std::array<std::uint8_t, 5> head{};
  ByteWriter writer(head);
  writer.u8(static_cast<std::uint8_t>(id.kind));
  writer.u32(static_cast<std::uint32_t>(id.id.size()));
  return hmac_sha256(hash_key_.expose(), {head, id.id, sealed});
}

Digest RowSeal::key_check() const {
  Digest out{};
  derive_bytes(Label::kKmsStoreCheck, key_.expose(), {}, {}, out);
  return out;
}

}  // namespace enfold
