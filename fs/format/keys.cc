#include "fs/format/keys.h"

#include <cstdlib>

#include "fs/format/header.h"

namespace enfold {
namespace {

using FileKeyInput = Secret<struct FileKeyInputPurpose, 64>;

}  // namespace

// The volume id is the salt of every derivation from the volume secret, so that two volumes that came to
// share a secret share no key.
VolumeKeys::VolumeKeys(const VolumeId& volume, VolumeSecret secret)
    : volume_(volume),
      secret_(std::move(secret)),
      extracted_(extract(secret_.expose(), volume_.bytes)),
      names_(expand<NameKey>(Label::kName, extracted_, {}).expose()),
      config_mac_(expand<MacKey>(Label::kConfigMac, extracted_, {})),
      marker_mac_(expand<MacKey>(Label::kMarkerMac, extracted_, {})) {}

Digest VolumeKeys::commitment() const {
  Digest out{};
  expand_bytes(Label::kVolumeCommitment, extracted_, {}, out);
  return out;
}

MacKey VolumeKeys::slot_mac(const FileId& file) const {
  return expand<MacKey>(Label::kSlotMac, extracted_, file.bytes);
}

MacKey VolumeKeys::state_mac(const FileId& file) const {
  return expand<MacKey>(Label::kStateMac, extracted_, file.bytes);
}

SpecialKey VolumeKeys::special(const FileId& file) const {
  return expand<SpecialKey>(Label::kSpecial, extracted_, file.bytes);
}

XattrNameKey VolumeKeys::xattr_names(const FileId& owner) const {
  return expand<XattrNameKey>(Label::kXattrName, extracted_, owner.bytes);
}

XattrValueKey VolumeKeys::xattr_values(const FileId& owner) const {
  return expand<XattrValueKey>(Label::kXattrValue, extracted_, owner.bytes);
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
