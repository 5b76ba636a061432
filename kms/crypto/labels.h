// The closed list of what keys are derived for. A label is never reused for another purpose; it stands in
// front of the HKDF info with its length, so that no label is a prefix of another's input.
#pragma once

#include <cstdint>
#include <string_view>

namespace enfold {

enum class Label : std::uint8_t {
  // a volume (fs/FORMAT.md)
  kVolumeCommitment,
  kName,
  kConfigMac,
  kSlotMac,
  kStateMac,
  kMarkerMac,
  kSpecial,
  kXattrName,
  kXattrValue,
  kFileKey,
  kFileCommitment,
  kContent,
  // the KMS (kms/FORMAT.md)
  kKmsCiphertext,
  kKmsStoreRow,
  kKmsStoreRoot,
  kKmsStoreHash,
  kKmsStoreCheck,
  kKmsRootKeySeal,
  kKmsExport,
};

std::string_view text_of(Label label) noexcept;

}  // namespace enfold
