// Names in the lower directory (FORMAT.md, "Names"): base64url of AES-256-SIV under the volume's name key
// with the directory's id as associated data; a name too long for that gets a hashed name and a sidecar with
// the ciphertext.
#pragma once

#include <string>
#include <string_view>

#include "fs/format/ids.h"
#include "kms/base/bytes.h"
#include "kms/base/error.h"
#include "kms/crypto/siv.h"

namespace enfold {

inline constexpr std::size_t kMaxNameBytes = 255;
inline constexpr std::size_t kMaxSidecarBytes = kMaxNameBytes + kSivTagBytes;
inline constexpr std::string_view kConfigName = "enfold.volume";
inline constexpr std::string_view kLockName = "enfold.lock";
inline constexpr std::string_view kMarkerName = "enfold.dir";
inline constexpr std::string_view kLostName = "enfold.lost";

struct LowerName {
  std::string name;
  Bytes sidecar;  // empty unless the name is a hashed one: the content of the file sidecar_of(name)

  [[nodiscard]] bool is_hashed() const { return !sidecar.empty(); }
};

enum class LowerNameKind : std::uint8_t {
  kOwn,      // config, lock, marker, lost: never an entry
  kSidecar,  // belongs to the hashed name beside it
  kPlain,    // base64url of the ciphertext itself
  kHashed,   // its sidecar holds the ciphertext
  kForeign,  // nothing of ours: a sync tool's conflict copy, a planted file
};

LowerNameKind classify_lower_name(std::string_view lower_name);
std::string sidecar_of(std::string_view hashed_name);

// `plain` is a valid name of 1 to 255 bytes.
LowerName encrypt_name(const Siv& names, const DirectoryId& directory, std::string_view plain);

// kDamaged where it does not verify in this directory, or decrypts to "", ".", "..", a name with '/' or NUL,
// or one longer than 255 bytes.
Result<std::string> decrypt_name(const Siv& names, const DirectoryId& directory, std::string_view lower_name);

// kDamaged as above, and where the sidecar is not the one that the hashed name names.
Result<std::string> decrypt_hashed_name(const Siv& names, const DirectoryId& directory,
                                        std::string_view lower_name, ByteSpan sidecar);

}  // namespace enfold
