// The key hierarchy of a volume (FORMAT.md, "Keys"): everything below comes from the volume secret and, for
// content, from the data key that the KMS unwraps.
#pragma once

#include "fs/format/ids.h"
#include "kms/base/secret.h"
#include "kms/crypto/hkdf.h"
#include "kms/crypto/siv.h"

namespace enfold {

// Immutable once made; thread-safe.
class VolumeKeys {
 public:
  VolumeKeys(const VolumeId& volume, VolumeSecret secret);

  [[nodiscard]] const VolumeId& volume() const { return volume_; }

  // What the user's pin holds: names the secret without giving anything away.
  [[nodiscard]] Digest commitment() const;

  [[nodiscard]] const Siv& names() const { return names_; }
  [[nodiscard]] const MacKey& config_mac() const { return config_mac_; }
  [[nodiscard]] const MacKey& marker_mac() const { return marker_mac_; }
  [[nodiscard]] MacKey slot_mac(const FileId& file) const;
  [[nodiscard]] MacKey state_mac(const FileId& file) const;
  [[nodiscard]] SpecialKey special(const FileId& file) const;
  [[nodiscard]] XattrNameKey xattr_names(const FileId& owner) const;
  [[nodiscard]] XattrValueKey xattr_values(const FileId& owner) const;

  // `bound` is the header prefix before its commitment.
  [[nodiscard]] FileKey file_key(const DataKey& data_key, ByteSpan bound) const;

 private:
  VolumeId volume_;
  VolumeSecret secret_;
  PseudorandomKey extracted_;  // from the secret: HKDF's first step, which is the same for every file
  Siv names_;
  MacKey config_mac_;
  MacKey marker_mac_;
};

// What the header prefix holds; a data key that is not the file's fails it before a byte is decrypted.
Digest file_commitment(const FileKey& key);

// At most 2^32 sector writes under one content key; then the next epoch.
ContentKey content_key(const FileKey& key, std::uint8_t key_epoch);

}  // namespace enfold
