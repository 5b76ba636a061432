// Sealed extended attributes (FORMAT.md, "Xattrs"): the lower name is kXattrPrefix and base64url of the SIV
// of the plain name (user.* or trusted.*, prefix included); the value is nonce | tag | ciphertext, bound to
// the owner's id and the plain name.
#pragma once

#include <string>
#include <string_view>

#include "fs/format/ids.h"
#include "fs/format/keys.h"
#include "kms/base/entropy.h"
#include "kms/base/error.h"

namespace enfold {

inline constexpr std::string_view kXattrPrefix = "user.enfold.";

// Seals and opens the xattrs of one owner. Thread-safe but for entropy's own rules.
class XattrCodec {
 public:
  XattrCodec(const VolumeKeys& keys, const FileId& owner);

  // kLimit where the sealed name does not fit in 255 bytes (plain names over 166 bytes).
  [[nodiscard]] Result<std::string> seal_name(std::string_view plain_name) const;
  // kDamaged where it does not verify, or holds what no call could have stored.
  [[nodiscard]] Result<std::string> open_name(std::string_view lower_name) const;

  [[nodiscard]] Bytes seal_value(std::string_view plain_name, ByteSpan value, Entropy& entropy) const;
  [[nodiscard]] Result<Bytes> open_value(std::string_view plain_name, ByteSpan sealed) const;

 private:
  FileId owner_;
  Siv names_;
  XattrValueKey values_;
};

}  // namespace enfold
