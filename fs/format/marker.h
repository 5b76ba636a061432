// A directory's marker, the content of `enfold.dir` (FORMAT.md, "Marker").
#pragma once

#include <array>

#include "fs/format/ids.h"
#include "kms/base/error.h"
#include "kms/base/secret.h"

namespace enfold {

inline constexpr std::size_t kMarkerBytes = 96;

struct Marker {
  VolumeId volume;
  DirectoryId directory;
  DirectoryId parent;  // all zero in the root; a hint for repair
};

std::array<std::uint8_t, kMarkerBytes> encode_marker(const Marker& marker, const MacKey& key);

// kDamaged where size, magic, MAC or volume is wrong; kUnsupported for another version.
Result<Marker> decode_marker(ByteSpan bytes, const VolumeId& volume, const MacKey& key);
// Without the MAC, for `inspect`.
Result<Marker> decode_marker_unverified(ByteSpan bytes);

}  // namespace enfold
