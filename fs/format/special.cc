#include "fs/format/special.h"

#include <algorithm>

#include "fs/format/layout.h"
#include "fs/format/length.h"
#include "kms/crypto/gcm.h"

namespace enfold {
namespace {

constexpr std::string_view kSpecial = "special object";
constexpr std::string_view kLabel = "enfold/1/special";
constexpr std::size_t kHeadBytes = 48;  // magic, version, kind, reserved, volume id, file id
constexpr std::size_t kNonceOffset = kHeadBytes;
constexpr std::size_t kTagOffset = kNonceOffset + kGcmNonceBytes;
constexpr std::size_t kCiphertextOffset = kTagOffset + kGcmTagBytes;

constexpr std::size_t remainder_of(SpecialKind kind) { return static_cast<std::size_t>(kind); }

bool is_device(SpecialKind kind) {
  return kind == SpecialKind::kCharDevice || kind == SpecialKind::kBlockDevice;
}

// The longest symlink target for which one page is enough.
constexpr std::size_t kMaxShortTargetBytes = remainder_of(SpecialKind::kSymlink) - kCiphertextOffset - 2;

std::size_t lower_size_of(const Special& special) {
  const bool is_long = special.kind == SpecialKind::kSymlink && special.target.size() > kMaxShortTargetBytes;
  return remainder_of(special.kind) + (is_long ? kPageBytes : 0);
}

using AssociatedData = std::array<std::uint8_t, kLabel.size() + kHeadBytes>;

AssociatedData associated_data(ByteSpan content) {
  AssociatedData out;
  ByteWriter writer(out);
  writer.bytes(as_bytes(kLabel));
  writer.bytes(content.first(kHeadBytes));
  return out;
}

void write_head(ByteWriter& writer, const Special& special, const VolumeId& volume) {
  writer.bytes(layout::kSpecialMagic);
  writer.u16(layout::kFormatVersion);
  writer.u16(static_cast<std::uint16_t>(special.kind));
  writer.u32(0);
  writer.bytes(volume.bytes);
  writer.bytes(special.file.bytes);
}

void write_payload(const Special& special, MutableByteSpan out) {
  ByteWriter writer(out);
  if (special.kind == SpecialKind::kSymlink) {
    writer.u16(static_cast<std::uint16_t>(special.target.size()));
    writer.bytes(as_bytes(special.target));
  } else if (is_device(special.kind)) {
    writer.u32(special.device_major);
    writer.u32(special.device_minor);
  }
  writer.zero_rest();
}

Result<UnverifiedSpecial> read_head(ByteSpan content, SpecialKind kind) {
  ByteReader reader(content);
  ENFOLD_TRY(layout::read_magic_and_version(reader, layout::kSpecialMagic, kSpecial));
  if (reader.u16() != static_cast<std::uint16_t>(kind))
    return layout::damaged(kSpecial, "the kind is not the one that the size says");
  if (reader.u32() != 0) return layout::damaged(kSpecial, "reserved bytes are not zero");
  return UnverifiedSpecial{{reader.array<16>()}, {reader.array<16>()}, kind};
}

bool is_valid_target(std::string_view target) {
  return !target.empty() && target.size() <= kMaxSymlinkTargetBytes &&
         target.find('\0') == std::string_view::npos;
}

Result<Special> read_payload(const FileId& file, SpecialKind kind, ByteSpan payload) {
  Special out;
  out.file = file;
  out.kind = kind;
  ByteReader reader(payload);
  if (kind == SpecialKind::kSymlink) {
    const std::uint16_t target_bytes = reader.u16();
    out.target = as_string(reader.bytes(target_bytes));
    if (!is_valid_target(out.target))
      return layout::damaged(kSpecial, "the symlink's target is not a valid one");
  } else if (is_device(kind)) {
    out.device_major = reader.u32();
    out.device_minor = reader.u32();
  }
  reader.zeros(reader.remaining());
  if (!reader.ok()) return layout::damaged(kSpecial, "padding is not zero");
  return out;
}

}  // namespace

std::optional<SpecialKind> special_kind_of(std::uint64_t lower_size) {
  const bool is_long = lower_size > kPageBytes;
  const std::uint64_t remainder = is_long ? lower_size - kPageBytes : lower_size;
  if (remainder < remainder_of(SpecialKind::kSymlink) || remainder > remainder_of(SpecialKind::kBlockDevice))
    return std::nullopt;
  const auto kind = static_cast<SpecialKind>(remainder);
  if (is_long && kind != SpecialKind::kSymlink) return std::nullopt;
  return kind;
}

Bytes seal_special(const Special& special, const VolumeKeys& keys, Entropy& entropy) {
  Bytes content(lower_size_of(special));
  const MutableByteSpan all(content);
  ByteWriter head(all);
  write_head(head, special, keys.volume());
  const GcmNonce nonce = random_array<kGcmNonceBytes>(entropy);
  head.bytes(nonce);
  const MutableByteSpan payload = all.subspan(kCiphertextOffset);
  write_payload(special, payload);
  Gcm(keys.special(special.file).expose())
      .seal(nonce, associated_data(content), payload, payload, all.subspan(kTagOffset).first<kGcmTagBytes>());
  return content;
}

bool begins_like_special(ByteSpan content) {
  const ByteSpan magic(layout::kSpecialMagic);
  return content.size() >= magic.size() && std::ranges::equal(content.first(magic.size()), magic);
}

Result<UnverifiedSpecial> peek_special(ByteSpan content) {
  const std::optional<SpecialKind> kind = special_kind_of(content.size());
  if (!kind) return layout::damaged(kSpecial, "no special object has this size");
  return read_head(content, *kind);
}

Result<Special> open_special(ByteSpan content, const VolumeKeys& keys) {
  ENFOLD_TRY_ASSIGN(const UnverifiedSpecial head, peek_special(content));
  if (head.volume != keys.volume()) return layout::damaged(kSpecial, "the volume id is another volume's");
  const FileId& file = head.file;
  Bytes payload(content.size() - kCiphertextOffset);
  if (!Gcm(keys.special(file).expose())
           .open(content.subspan(kNonceOffset, kGcmNonceBytes), associated_data(content),
                 content.subspan(kCiphertextOffset), content.subspan(kTagOffset).first<kGcmTagBytes>(),
                 payload))
    return layout::damaged(kSpecial, "the content does not verify");
  ENFOLD_TRY_ASSIGN(Special special, read_payload(file, head.kind, payload));
  if (lower_size_of(special) != content.size())
    return layout::damaged(kSpecial, "the symlink's target has a shorter form");
  return special;
}

}  // namespace enfold
