// What the structures of format version 1 share: magics, version, and the head of the two prefixes. Not for
// use outside fs/format.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "fs/format/ids.h"
#include "kms/base/error.h"
#include "kms/base/secret.h"
#include "kms/crypto/hkdf.h"

namespace enfold::layout {

// "ENFOLD", a letter for the kind, and 0x1a, which no text file holds.
using Magic = std::array<std::uint8_t, 8>;
inline constexpr Magic kHeaderMagic = {'E', 'N', 'F', 'O', 'L', 'D', 'F', 0x1a};
inline constexpr Magic kConfigMagic = {'E', 'N', 'F', 'O', 'L', 'D', 'V', 0x1a};
inline constexpr Magic kMarkerMagic = {'E', 'N', 'F', 'O', 'L', 'D', 'D', 0x1a};
inline constexpr Magic kSpecialMagic = {'E', 'N', 'F', 'O', 'L', 'D', 'S', 0x1a};

inline constexpr std::uint16_t kFormatVersion = 1;
inline constexpr std::uint16_t kCipherAes256Gcm = 1;
inline constexpr std::uint32_t kOnlySecretId = 1;

inline constexpr std::size_t kMacBytes = 32;

// kDamaged: "structure: what is wrong".
std::unexpected<Error> damaged(std::string_view structure, std::string_view what);

// Reads magic and version: `wrong_magic` for another magic, kUnsupported for another version.
Result<void> read_magic_and_version(ByteReader& reader, const Magic& magic, std::string_view structure,
                                    Errc wrong_magic = Errc::kDamaged);

// The first 40 bytes of a header prefix and of the config: magic 8 | version u16 | cipher u16 | critical
// flags u32 | secret id u32 | zero u32 | volume id 16. The secret's id is always 1 in version 1.
void write_head(ByteWriter& writer, const Magic& magic, std::uint32_t secret_id, const VolumeId& volume);
Result<VolumeId> read_head(ByteReader& reader, const Magic& magic, std::string_view structure,
                           Errc wrong_magic = Errc::kDamaged);

// A structure whose last 32 bytes are its MAC: HMAC over `parts`, then the structure up to the MAC.
void set_mac(const MacKey& key, ByteSpan before, ByteSpan part, MutableByteSpan structure);
[[nodiscard]] bool mac_verifies(const MacKey& key, ByteSpan before, ByteSpan part, ByteSpan structure);

}  // namespace enfold::layout
