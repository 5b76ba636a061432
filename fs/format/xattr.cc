#include "fs/format/xattr.h"

#include "fs/format/layout.h"
#include "kms/crypto/gcm.h"

namespace enfold {
namespace {

constexpr std::string_view kXattrName = "xattr name";
constexpr std::string_view kXattrValue = "xattr value";
constexpr std::string_view kValueLabel = "enfold/1/xattr-value";
constexpr std::size_t kMaxLowerNameBytes = 255;  // XATTR_NAME_MAX
// The longest plain name whose ciphertext in base64url still fits behind the prefix.
constexpr std::size_t kMaxPlainNameBytes = (kMaxLowerNameBytes - kXattrPrefix.size()) * 3 / 4 - kSivTagBytes;
static_assert(kMaxPlainNameBytes == 166);

bool is_sealed_namespace(std::string_view name) {
  return (name.starts_with("user.") && name.size() > 5) || (name.starts_with("trusted.") && name.size() > 8);
}

bool is_valid_name(std::string_view name) {
  return is_sealed_namespace(name) && name.find('\0') == std::string_view::npos;
}

// The name stands last, so its length needs no field.
Bytes associated_data(const FileId& owner, std::string_view plain_name) {
  Bytes out(kValueLabel.size() + owner.bytes.size() + plain_name.size());
  ByteWriter writer(out);
  writer.bytes(as_bytes(kValueLabel));
  writer.bytes(owner.bytes);
  writer.bytes(as_bytes(plain_name));
  return out;
}

}  // namespace

XattrCodec::XattrCodec(const VolumeKeys& keys, const FileId& owner)
    : owner_(owner), names_(keys.xattr_names(owner).expose()), values_(keys.xattr_values(owner)) {}

Result<std::string> XattrCodec::seal_name(std::string_view plain_name) const {
  if (!is_valid_name(plain_name))
    return make_error(Errc::kInvalidArgument, "xattr name: only user.* and trusted.* are sealed");
  if (plain_name.size() > kMaxPlainNameBytes)
    return make_error(Errc::kLimit, "xattr name: over 166 bytes, its ciphertext fits in no lower name");
  return std::string(kXattrPrefix) + to_base64url(names_.seal(owner_.bytes, as_bytes(plain_name)));
}

Result<std::string> XattrCodec::open_name(std::string_view lower_name) const {
  Bytes sealed;
  if (lower_name.size() > kMaxLowerNameBytes || !lower_name.starts_with(kXattrPrefix) ||
      !from_base64url(lower_name.substr(kXattrPrefix.size()), sealed))
    return layout::damaged(kXattrName, "is not the prefix and base64url");
  const std::optional<Bytes> opened = names_.open(owner_.bytes, sealed);
  if (!opened) return layout::damaged(kXattrName, "does not verify for this file");
  std::string plain_name = as_string(*opened);
  if (!is_valid_name(plain_name))
    return layout::damaged(kXattrName, "decrypts to what is no user or trusted xattr");
  return plain_name;
}

Bytes XattrCodec::seal_value(std::string_view plain_name, ByteSpan value, Entropy& entropy) const {
  Bytes sealed(kGcmNonceBytes + kGcmTagBytes + value.size());
  const MutableByteSpan all(sealed);
  const GcmNonce nonce = random_array<kGcmNonceBytes>(entropy);
  std::ranges::copy(nonce, all.begin());
  Gcm(values_.expose())
      .seal(nonce, associated_data(owner_, plain_name), value, all.subspan(kGcmNonceBytes + kGcmTagBytes),
            all.subspan(kGcmNonceBytes).first<kGcmTagBytes>());
  return sealed;
}

Result<Bytes> XattrCodec::open_value(std::string_view plain_name, ByteSpan sealed) const {
  if (sealed.size() < kGcmNonceBytes + kGcmTagBytes)
    return layout::damaged(kXattrValue, "is shorter than 28 bytes");
  const ByteSpan ciphertext = sealed.subspan(kGcmNonceBytes + kGcmTagBytes);
  Bytes value(ciphertext.size());
  if (!Gcm(values_.expose())
           .open(sealed.first(kGcmNonceBytes), associated_data(owner_, plain_name), ciphertext,
                 sealed.subspan(kGcmNonceBytes).first<kGcmTagBytes>(), value))
    return layout::damaged(kXattrValue, "does not verify for this file and name");
  return value;
}

}  // namespace enfold
