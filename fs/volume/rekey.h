// Re-keying a whole volume: the volume config's wrap, and the data keys of all files.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fs/volume/kms_routes.h"
#include "fs/volume/pin.h"
#include "fs/volume/rekey_target.h"
#include "fs/volume/volume_context.h"

namespace enfold {

class Volume;

enum class RekeyMode : std::uint8_t {
  kStatus,  // counts files by what they are wrapped by
  kDryRun,  // the same for another target, which is tried out
  kRun,
};

struct RekeyRequest {
  RekeyMode mode = RekeyMode::kRun;
  std::optional<std::string> to_kms;  // resolved URL; else the volume's. With another one `to_key` is needed
  std::optional<std::string> to_key;  // id, ARN or alias; else the volume's
  unsigned jobs = 1;                  // threads
  bool new_data_keys = false;
};

struct RekeyReport {
  KeyHome key;              // that the volume is to be under
  std::string material_id;  // its current one; empty where the KMS does not name it
  std::string key_state;
  RekeyCounts counts;
  KeyUses files;                     // as the last pass found them
  std::vector<KeyUse> config;        // how the volume secret is wrapped: one, or two while that changes
  std::uint64_t left = 0;            // files that are not re-keyed, or cannot be looked at
  bool is_complete = false;          // nothing is left
  std::vector<KeyHome> unused_keys;  // former keys that nothing here needs any more
};

// What of an open volume a re-keying works on; all of it outlives the call.
struct RekeyParts {
  Files& files;
  int root;  // of the lower directory
  const std::string& lower;
  const VolumeKeys& keys;
  KmsRoutes& kms;
  KeyCache& file_keys;
  Volume& tree;
  bool read_only;
  // As the pin has them, and how they are changed there, durably, before anything below is.
  KeyHome key;
  std::vector<KeyHome> former;
  std::function<Result<void>(const KeyHome& key, std::vector<KeyHome> former, bool rekeying)> pin;
  std::function<Result<KmsRoutes::Service>(const std::string& url)> open_kms;
};

// Where it is cut, every file opens at each moment, and a later call goes on. Refused before anything is
// written: a key that is unknown (kKmsNotFound), disabled (kKmsDisabled), pending deletion or otherwise not
// enabled (kKmsInvalidState); one that cannot wrap or unwrap; EROFS on a read-only volume. kBusy where the
// observer ended it. Files that are left are no error: each is a finding, and the report says so.
Result<RekeyReport> rekey_volume(RekeyParts parts, const RekeyRequest& request, RekeyObserver& observer);

}  // namespace enfold
