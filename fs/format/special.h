// Symlinks, FIFOs, sockets and devices as lower regular files (FORMAT.md, "Special objects"). The lower
// size's remainder mod 4096 tells the kind without an open; the sealed bytes repeat it and must agree.
#pragma once

#include <optional>
#include <string>

#include "fs/format/ids.h"
#include "fs/format/keys.h"
#include "kms/base/entropy.h"
#include "kms/base/error.h"

namespace enfold {

// The value is the remainder mod 4096 of the lower size.
enum class SpecialKind : std::uint16_t {
  kSymlink = 4064,
  kFifo = 4065,
  kSocket = 4066,
  kCharDevice = 4067,
  kBlockDevice = 4068,
};

inline constexpr std::size_t kMaxSymlinkTargetBytes = 4095;
inline constexpr std::size_t kMaxSpecialBytes = 2 * 4096;

struct Special {
  FileId file;
  SpecialKind kind = SpecialKind::kSymlink;
  std::string target;              // symlinks: 1 to 4095 bytes without NUL
  std::uint32_t device_major = 0;  // devices
  std::uint32_t device_minor = 0;
};

// Nothing where no special object has that size.
std::optional<SpecialKind> special_kind_of(std::uint64_t lower_size);

// The file's whole content.
Bytes seal_special(const Special& special, const VolumeKeys& keys, Entropy& entropy);

// kDamaged where it does not verify, or the sealed kind is not what the size says.
Result<Special> open_special(ByteSpan content, const VolumeKeys& keys);

// Begins as a special object does, whatever its size: what a crash may leave of one.
[[nodiscard]] bool begins_like_special(ByteSpan content);

// What stands in clear, unverified: for `inspect`.
struct UnverifiedSpecial {
  VolumeId volume;
  FileId file;
  SpecialKind kind = SpecialKind::kSymlink;
};
Result<UnverifiedSpecial> peek_special(ByteSpan content);

}  // namespace enfold
