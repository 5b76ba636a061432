// The volume config's own wrap: the volume secret, re-keyed as a file's data key is.
#pragma once

#include <optional>
#include <string>

#include "fs/format/config.h"
#include "fs/volume/rekey_target.h"
#include "fs/volume/rewrap.h"
#include "kms/base/files.h"
#include "kms/client/kms_client.h"

namespace enfold {

// By one thread at a time.
class ConfigRekey {
 public:
  // `root` is a descriptor of the lower directory at `lower`; all outlive this.
  ConfigRekey(Files& files, int root, const std::string& lower, const VolumeKeys& keys, KmsClient& kms)
      : files_(files), root_(root), lower_(lower), keys_(keys), kms_(kms) {}

  // By what the volume secret is wrapped: one, or while a re-keying is cut two.
  Result<std::vector<Envelope>> envelopes();

  // That the secret can be wrapped for the target, and is opened by it. Writes nothing.
  Result<void> try_out(const RekeyTarget& target);

  // The target's wrap into the spare slot, and a sync. The other one stays, so that the volume opens where
  // the target's KMS goes away before all files are under it. Nothing to do where the target is met. Errors
  // of the KMS before a byte is written; after any other the config still opens, and the next call goes on.
  Result<void> begin(const RekeyTarget& target);

  // Leaves only the target's, where that opens: sync, wipe, sync. Of the target's key by another material,
  // where it was rotated just then: the next call goes on.
  Result<void> finish(const RekeyTarget& target);

 private:
  struct Slots {
    ConfigFile file;
    std::array<std::optional<Envelope>, 2> envelopes;

    [[nodiscard]] const Envelope& at(std::size_t index) const {
      static const Envelope empty;
      const auto& envelope = envelopes.at(index);
      return envelope ? *envelope : empty;
    }
    [[nodiscard]] bool are_both_used() const { return envelopes[0] && envelopes[1]; }
    [[nodiscard]] std::uint8_t newer() const;
  };
  Result<Slots> read();
  Result<std::uint8_t> slot_that_opens(const Slots& slots, const RekeyTarget& target);
  Result<Slots> keep_only(const Slots& slots, std::uint8_t kept);
  Result<Recipient> wrap(const Envelope& from, const RekeyTarget& target);
  Result<void> write(const Slots& slots, std::uint8_t index, const std::optional<Envelope>& envelope);
  [[nodiscard]] IsRight is_right() const;

  Files& files_;
  int root_;
  const std::string& lower_;
  const VolumeKeys& keys_;
  KmsClient& kms_;
  std::optional<std::pair<std::string, std::string>> begun_;  // key and material of the target
};

}  // namespace enfold
