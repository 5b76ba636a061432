// Making a volume, and opening one: config, pin, lock, keys. Used by the mount and by the tools.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "fs/format/config.h"
#include "fs/volume/rekey.h"
#include "fs/volume/volume.h"
#include "kms/client/kms_client.h"

namespace enfold {

struct InitRequest {
  std::string lower;               // an empty directory, or one to make
  std::string kms_url;             // already resolved, for example "embedded:/home/u/.local/share/enfold/kms"
  std::string key;                 // id, ARN or alias
  std::optional<VolumeId> volume;  // drawn when absent; given where the key's description names it
};

// Whether a volume can be made there, before anything is made for it anywhere else: kNotEmpty, kCaseFolding,
// kUnsupported for a lower filesystem with short names, kSystem where the parent is missing. Leaves nothing.
Result<void> check_init_target(Files& files, const std::string& lower);

// As check_init_target, and errors of the KMS; leaves nothing behind when it fails. Pins the volume.
Result<VolumeId> init_volume(const InitRequest& request, KmsClient& kms, Files& files, Entropy& entropy);

struct OpenRequest {
  std::string lower;
  std::optional<std::string> kms_url;  // explicit; without it the user's pin decides
  bool read_only = false;
  bool keeps_access_times = true;
  bool recover = false;    // take a crash that the pin does not confirm for one
  bool background = true;  // a thread of its own for recovery and checkpoints
  std::int64_t key_max_age_ns = std::int64_t{60} * 1'000'000'000;
};

// Owns everything that an open volume stands on: the lock on enfold.lock, the KMS client, keys, caches, the
// tree.
class OpenVolume {
 public:
  OpenVolume() = default;
  OpenVolume(const OpenVolume&) = delete;
  OpenVolume& operator=(const OpenVolume&) = delete;
  virtual ~OpenVolume() = default;

  [[nodiscard]] virtual Volume& tree() = 0;
  [[nodiscard]] virtual VolumeContext& context() = 0;
  [[nodiscard]] virtual const std::string& lower_path() const = 0;  // canonical
  // What new files are wrapped under.
  [[nodiscard]] virtual KeyHome key() const = 0;
  // A re-keying began and has not ended: a key of before may still be needed.
  [[nodiscard]] virtual bool is_rekeying() const = 0;
  // Of that key, as the KMS says now.
  virtual Result<KeyDescription> describe_key() = 0;
  // Makes all durable and marks config and pin closed; call once after the last change. Further calls on the
  // tree are not allowed. Where a seal or a sync has failed it answers that, and config and pin stay open, as
  // they do where the recovery from a crash is not finished: the next mount does it.
  virtual Result<void> close() = 0;

  // As rekey_volume(); kBusy while another one runs. `other_kms` opens key stores that are not open yet: the
  // one of `to_kms`, and that of former keys.
  virtual Result<RekeyReport> rekey(const RekeyRequest& request, PassphraseSource& other_kms,
                                    RekeyObserver& observer) = 0;

  // For who opened without `background`, see Checkpoints.
  virtual Result<void> checkpoint() = 0;
  virtual Result<bool> recover() = 0;
};

// Order: config is parsed, then compared with the pin (kPinMissing, kPinMismatch) before any request leaves;
// the lock is taken (kBusy names host and pid of the holder); the secret is unwrapped, checked against the
// pin's commitment, every page of the config verified, and config and pin compared for a crash
// (kCrashUnconfirmed). An explicit kms_url pins the volume once all that succeeded. Config and pin say that
// the volume is open before this returns.
Result<std::unique_ptr<OpenVolume>> open_volume(const OpenRequest& request, PassphraseSource& passphrase,
                                                Files& files, Entropy& entropy, Clock& clock);

}  // namespace enfold
