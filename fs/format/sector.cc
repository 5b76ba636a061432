#include "fs/format/sector.h"

#include <cstdlib>
#include <string_view>

namespace enfold {
namespace {

constexpr std::string_view kLabel = "enfold/1/sector";
constexpr std::size_t kTagOffset = kGcmNonceBytes;
constexpr std::size_t kLengthOffset = kTagOffset + kGcmTagBytes;
constexpr std::size_t kFlagsOffset = kLengthOffset + 2;
constexpr std::size_t kCiphertextOffset = kFlagsOffset + 2;
constexpr std::uint16_t kParityFlag = 0x100;
constexpr std::uint16_t kKnownFlags = 0x1ff;  // parity and key epoch
static_assert(kCiphertextOffset + kSectorPlainBytes == kPageBytes);

using AssociatedData = std::array<std::uint8_t, kLabel.size() + 16 + 16 + 8 + 2 + 2>;

AssociatedData associated_data(const SectorPlace& place, std::uint16_t length, std::uint16_t flags) {
  AssociatedData out;
  ByteWriter writer(out);
  writer.bytes(as_bytes(kLabel));
  writer.bytes(place.volume.bytes);
  writer.bytes(place.file.bytes);
  writer.u64(place.index);
  writer.u16(length);
  writer.u16(flags);
  return out;
}

std::uint16_t flags_of(SectorKey key) {
  return static_cast<std::uint16_t>((key.parity != 0 ? kParityFlag : 0) | key.key_epoch);
}

// The plaintext padded to a full sector: where it is full already itself, else a copy in `room`.
ByteSpan padded(ByteSpan plain, MutableByteSpan room) {
  if (plain.size() == room.size()) return plain;
  copy_bytes(plain, room);
  std::ranges::fill(room.subspan(plain.size()), std::uint8_t{0});
  return room;
}

}  // namespace

void seal_sector(Gcm& content_key, const SectorPlace& place, SectorKey key, const GcmNonce& nonce,
                 ByteSpan plain, SectorPage page) {
  if (plain.empty() || plain.size() > kSectorPlainBytes) std::abort();  // it would be written out of bounds
  const auto length = static_cast<std::uint16_t>(plain.size());
  const std::uint16_t flags = flags_of(key);
  const MutableByteSpan ciphertext = page.subspan<kCiphertextOffset>();
  const ByteSpan source = padded(plain, ciphertext);
  std::ranges::copy(nonce, page.begin());
  ByteWriter fields(page.subspan<kLengthOffset, 4>());
  fields.u16(length);
  fields.u16(flags);
  content_key.seal(nonce, associated_data(place, length, flags), source, ciphertext,
                   page.subspan<kTagOffset, kGcmTagBytes>());
}

SectorKey sector_key(ConstSectorPage page) {
  const std::uint16_t flags = ByteReader(page.subspan<kFlagsOffset, 2>()).u16();
  return {static_cast<std::uint8_t>((flags & kParityFlag) != 0 ? 1 : 0), static_cast<std::uint8_t>(flags)};
}

std::uint16_t sector_length(ConstSectorPage page) {
  return ByteReader(page.subspan<kLengthOffset, 2>()).u16();
}

std::optional<std::uint16_t> open_sector(Gcm& content_key, const SectorPlace& place, ConstSectorPage page,
                                         SectorPlain plain) {
  ByteReader fields(page.subspan<kLengthOffset, 4>());
  const std::uint16_t length = fields.u16();
  const std::uint16_t flags = fields.u16();
  const bool in_range = length >= 1 && length <= kSectorPlainBytes && flags <= kKnownFlags;
  if (in_range &&
      content_key.open(page.first<kGcmNonceBytes>(), associated_data(place, length, flags),
                       page.subspan<kCiphertextOffset>(), page.subspan<kTagOffset, kGcmTagBytes>(), plain) &&
      all_zero(plain.subspan(length)))
    return length;
  std::ranges::fill(plain, std::uint8_t{0});
  return std::nullopt;
}

bool is_hole(ConstSectorPage page) { return all_zero(page); }

}  // namespace enfold
