// What a user's own config remembers of a volume at a path, so that nothing in the lower directory can
// redirect a mount: volume id, KMS, key, commitment to the volume secret; and whether a
// mount has it open. One TOML file for each lower path,
// 0600 in 0700 directories: $XDG_CONFIG_HOME/enfold/volumes/<sha256 of the canonical path, 32 digits>.toml.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fs/format/config.h"
#include "kms/base/files.h"

namespace enfold {

// A key, and the KMS that it lives in.
struct KeyHome {
  std::string key_arn;
  std::string kms_url;

  friend bool operator==(const KeyHome&, const KeyHome&) = default;
};

struct Pin {
  std::string lower;  // canonical path
  VolumeId volume;
  std::string kms_url;
  std::string key_arn;  // what new files are wrapped under
  Digest commitment{};  // VolumeKeys::commitment()
  // Of the user's last mount here, whose number ConfigState has, too; read-only ones do not count.
  bool open = false;  // it has not ended yet, or never will
  std::uint64_t mount_number = 0;
  std::uint64_t takes_over = 0;  // the crashed mount whose number the config may still have; 0 = none
  // Envelopes, and the config's, may be under a former key still: a re-keying began and has not ended.
  bool rekeying = false;
  std::vector<KeyHome> former{};  // what the volume was under before, the last one first
};

Result<std::string> pin_file_of(const std::string& canonical_lower);

// Nothing where this user has no pin for the path. kDamaged where the file does not read as one.
Result<std::optional<Pin>> read_pin(Files& files, const std::string& canonical_lower);

// Replaces the file whole and syncs it.
Result<void> write_pin(Files& files, const Pin& pin);

// Compares what the config claims, unverified as it is, with the pin, before any request leaves: kPinMismatch
// for another volume, another key (while re-keying a former one will do) or a recipient too many. `kms_url`
// is the explicit one, where there is one.
Result<void> check_against_pin(const UnverifiedConfig& config, const Pin& pin,
                               const std::optional<std::string>& kms_url);

}  // namespace enfold
