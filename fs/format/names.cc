#include "fs/format/names.h"

#include "fs/format/layout.h"
#include "kms/crypto/hkdf.h"

namespace enfold {
namespace {

constexpr std::string_view kName = "encrypted name";
// A dot never stands in base64url, so these are no names of the other kind.
constexpr std::string_view kHashedPrefix = "enfold.long.";
constexpr std::string_view kSidecarSuffix = ".name";
constexpr std::size_t kHashedNameBytes = kHashedPrefix.size() + 43;

// The longest plain name whose ciphertext still is a lower name of 255 bytes: (175 + 16) * 4 / 3, rounded up.
constexpr std::size_t kMaxUnhashedBytes = 175;

bool is_ciphertext_of_short_name(std::string_view lower_name, Bytes& sealed) {
  return from_base64url(lower_name, sealed) && sealed.size() > kSivTagBytes &&
         sealed.size() <= kMaxUnhashedBytes + kSivTagBytes;
}

bool is_hashed_name(std::string_view lower_name) {
  Bytes hash;
  return lower_name.size() == kHashedNameBytes && lower_name.starts_with(kHashedPrefix) &&
         from_base64url(lower_name.substr(kHashedPrefix.size()), hash);
}

bool is_sidecar_name(std::string_view lower_name) {
  return lower_name.ends_with(kSidecarSuffix) &&
         is_hashed_name(lower_name.substr(0, lower_name.size() - kSidecarSuffix.size()));
}

std::string hashed_name_of(ByteSpan sidecar) {
  return std::string(kHashedPrefix) + to_base64url(sha256({sidecar}));
}

bool is_valid_name(std::string_view plain) {
  return !plain.empty() && plain.size() <= kMaxNameBytes && plain != "." && plain != ".." &&
         plain.find('/') == std::string_view::npos && plain.find('\0') == std::string_view::npos;
}

Result<std::string> open_name(const Siv& names, const DirectoryId& directory, ByteSpan sealed) {
  const std::optional<Bytes> opened = names.open(directory.bytes, sealed);
  if (!opened) return layout::damaged(kName, "does not verify in this directory");
  std::string plain = as_string(*opened);
  if (!is_valid_name(plain)) return layout::damaged(kName, "decrypts to what is no file name");
  return plain;
}

}  // namespace

LowerNameKind classify_lower_name(std::string_view lower_name) {
  if (lower_name == kConfigName || lower_name == kLockName || lower_name == kMarkerName ||
      lower_name == kLostName)
    return LowerNameKind::kOwn;
  if (is_hashed_name(lower_name)) return LowerNameKind::kHashed;
  if (is_sidecar_name(lower_name)) return LowerNameKind::kSidecar;
  Bytes sealed;
  return is_ciphertext_of_short_name(lower_name, sealed) ? LowerNameKind::kPlain : LowerNameKind::kForeign;
}

std::string sidecar_of(std::string_view hashed_name) {
  return std::string(hashed_name) + std::string(kSidecarSuffix);
}

LowerName encrypt_name(const Siv& names, const DirectoryId& directory, std::string_view plain) {
  Bytes sealed = names.seal(directory.bytes, as_bytes(plain));
  if (plain.size() <= kMaxUnhashedBytes) return {to_base64url(sealed), {}};
  std::string name = hashed_name_of(sealed);
  return {std::move(name), std::move(sealed)};
}

Result<std::string> decrypt_name(const Siv& names, const DirectoryId& directory,
                                 std::string_view lower_name) {
  Bytes sealed;
  if (!is_ciphertext_of_short_name(lower_name, sealed))
    return layout::damaged(kName, "is not base64url of 17 to 191 bytes");
  return open_name(names, directory, sealed);
}

Result<std::string> decrypt_hashed_name(const Siv& names, const DirectoryId& directory,
                                        std::string_view lower_name, ByteSpan sidecar) {
  // A short name in this form would be a second lower name for one plain name.
  if (sidecar.size() <= kMaxUnhashedBytes + kSivTagBytes || sidecar.size() > kMaxSidecarBytes)
    return layout::damaged("sidecar", "the size is not 192 to 271 bytes");
  if (lower_name != hashed_name_of(sidecar))
    return layout::damaged("sidecar", "is not the one that the name names");
  return open_name(names, directory, sidecar);
}

}  // namespace enfold
