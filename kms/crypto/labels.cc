#include "kms/crypto/labels.h"

#include <cstdlib>

namespace enfold {

std::string_view text_of(Label label) noexcept {
  switch (label) {
    case Label::kVolumeCommitment:
      return "enfold/1/volume-commitment";
    case Label::kName:
      return "enfold/1/name";
    case Label::kConfigMac:
      return "enfold/1/config-mac";
    case Label::kSlotMac:
      return "enfold/1/slot-mac";
    case Label::kStateMac:
      return "enfold/1/state-mac";
    case Label::kMarkerMac:
      return "enfold/1/marker-mac";
    case Label::kSpecial:
      return "enfold/1/special";
    case Label::kXattrName:
      return "enfold/1/xattr-name";
    case Label::kXattrValue:
      return "enfold/1/xattr-value";
    case Label::kFileKey:
      return "enfold/1/file-key";
    case Label::kFileCommitment:
      return "enfold/1/file-commitment";
    case Label::kContent:
      return "enfold/1/content";
    case Label::kKmsCiphertext:
      return "enfold/1/kms-ciphertext";
    case Label::kKmsStoreRow:
      return "enfold/1/kms-store-row";
    case Label::kKmsStoreRoot:
      return "enfold/1/kms-store-root";
    case Label::kKmsStoreHash:
      return "enfold/1/kms-store-hash";
    case Label::kKmsStoreCheck:
      return "enfold/1/kms-store-check";
    case Label::kKmsRootKeySeal:
      return "enfold/1/kms-root-key-seal";
    case Label::kKmsExport:
      return "enfold/1/kms-export";
  }
  std::abort();  // a value outside the enumeration would derive two keys alike
}

}  // namespace enfold
