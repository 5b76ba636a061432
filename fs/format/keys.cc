#include "fs/format/keys.h"

#include <cstdlib>

#include "fs/format/header.h"

namespace enfold {
namespace {

using FileKeyInput = Secret<struct FileKeyInputPurpose, 64>;

// The volume id is the salt of every derivation from the volume secret, so that two volumes that came to
// share a secret share no key.
template <class S>
S from_secret(Label label, const VolumeSecret& secret, const VolumeId& volume, ByteSpan context = {}) {
  return derive<S>(label, secret.expose(), volume.bytes, context);
}

}  // namespace

VolumeKeys::VolumeKeys(const VolumeId& volume, VolumeSecret secret)
    : volume_(volume),
      secret_(std::move(secret)),
      names_(from_secret<NameKey>(Label::kName, secret_, volume_).expose()),
      config_mac_(from_secret<MacKey>(Label::kConfigMac, secret_, volume_)),
      marker_mac_(from_secret<MacKey>(Label::kMarkerMac, secret_, volume_)) {}

Digest VolumeKeys::commitment() const {
  Digest out{};
  derive_bytes(Label::kVolumeCommitment, secret_.expose(), volume_.bytes, {}, out);
  return out;
}

MacKey VolumeKeys::slot_mac(const FileId& file) const {
  return from_secret<MacKey>(Label::kSlotMac, secret_, volume_, file.bytes);
}

MacKey VolumeKeys::state_mac(const FileId& file) const {
  return from_secret<MacKey>(Label::kStateMac, secret_, volume_, file.bytes);
}

SpecialKey VolumeKeys::special(const FileId& file) const {
  return from_secret<SpecialKey>(Label::kSpecial, secret_, volume_, file.bytes);
}

XattrNameKey VolumeKeys::xattr_names(const FileId& owner) const {
  return from_secret<XattrNameKey>(Label::kXattrName, secret_, volume_, owner.bytes);
}

XattrValueKey VolumeKeys::xattr_values(const FileId& owner) const {
  return from_secret<XattrValueKey>(Label::kXattrValue, secret_, volume_, owner.bytes);
}

FileKey VolumeKeys::file_key(const DataKey& data_key, ByteSpan bound) const {
  if (bound.size() != kPrefixBoundBytes) std::abort();  // a key bound to less would serve other headers too
  FileKeyInput input;
  std::ranges::copy(data_key.expose(), input.expose_mutable().begin());
  std::ranges::copy(secret_.expose(), input.expose_mutable().begin() + DataKey::kSize);
  return derive<FileKey>(Label::kFileKey, input.expose(), bound.subspan(kPrefixSaltOffset, 32), bound);
}

Digest file_commitment(const FileKey& key) {
  Digest out{};
  derive_bytes(Label::kFileCommitment, key.expose(), {}, {}, out);
  return out;
}

ContentKey content_key(const FileKey& key, std::uint8_t key_epoch) {
  return derive<ContentKey>(Label::kContent, key.expose(), {}, {&key_epoch, 1});
}

}  // namespace enfold
