// One sector: nonce 12 | tag 16 | len u16 | flags u16 | ciphertext 4064 (FORMAT.md, "Sector"). Pure
// functions.
#pragma once

#include <optional>

#include "fs/format/ids.h"
#include "fs/format/length.h"
#include "kms/crypto/gcm.h"

namespace enfold {

using SectorPage = std::span<std::uint8_t, kPageBytes>;
using ConstSectorPage = std::span<const std::uint8_t, kPageBytes>;
using SectorPlain = std::span<std::uint8_t, kSectorPlainBytes>;

// Where a sector belongs; all of it is authenticated.
struct SectorPlace {
  const VolumeId& volume;
  const FileId& file;
  std::uint64_t index;
};

// Which of a file's content keys: the data key's parity, and the key epoch under that data key.
struct SectorKey {
  std::uint8_t parity = 0;  // 0 or 1; each new data key of a file has the other one
  std::uint8_t key_epoch = 0;
  friend bool operator==(const SectorKey&, const SectorKey&) = default;
};

// Seals 1 to 4064 bytes, zero-padded to 4064, with the content key that `key` names. `plain` may lie anywhere
// but in `page`.
void seal_sector(Gcm& content_key, const SectorPlace& place, SectorKey key, const GcmNonce& nonce,
                 ByteSpan plain, SectorPage page);

// The key that the page names, not yet verified: choose the key by it, then open_sector verifies it.
SectorKey sector_key(ConstSectorPage page);

// The length that the page names, not yet verified.
std::uint16_t sector_length(ConstSectorPage page);

// The plaintext's length (1 to 4064); the rest of `plain` is zero. Nothing, and `plain` wiped, where the page
// does not verify, its flags have unknown bits or its padding is not zero.
[[nodiscard]] std::optional<std::uint16_t> open_sector(Gcm& content_key, const SectorPlace& place,
                                                       ConstSectorPage page, SectorPlain plain);

// A page of zeros is a hole where the state record allows one; it never verifies as a sector.
[[nodiscard]] bool is_hole(ConstSectorPage page);

}  // namespace enfold
