// The random 128-bit identities of format version 1. Distinct types, so that a file's is never taken for a
// directory's.
#pragma once

#include <array>
#include <compare>
#include <string>

#include "kms/base/bytes.h"
#include "kms/base/entropy.h"

namespace enfold {

template <class Purpose>
struct Id {
  std::array<std::uint8_t, 16> bytes{};

  static Id random(Entropy& entropy) { return {random_array<16>(entropy)}; }
  [[nodiscard]] std::string hex() const { return to_hex(bytes); }
  friend auto operator<=>(const Id&, const Id&) = default;
};

using VolumeId = Id<struct VolumeIdPurpose>;
using FileId = Id<struct FileIdPurpose>;            // regular files, special objects, xattr owners
using DirectoryId = Id<struct DirectoryIdPurpose>;  // associated data of the names in a directory

// A directory's xattrs are bound to its directory id, taken as a file id.
inline FileId file_id_of(const DirectoryId& directory) { return {directory.bytes}; }

}  // namespace enfold
