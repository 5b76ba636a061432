// The keys that an open file holds, asked for again when their time is over.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "fs/volume/volume_context.h"

namespace enfold {

// Thread-safe. One thread at a time asks the KMS; the others of the same file wait for its answer. After an
// error the same answer is given for a second without asking again, so that a KMS that is down is not
// stormed.
class HeldKeys {
 public:
  HeldKeys(VolumeContext& context, ConstPrefixSpan prefix, const FileId& file, Envelope envelope,
           std::shared_ptr<FileKeys> keys);

  // Call with no lock of the file held: the KMS may take its time.
  Result<std::shared_ptr<FileKeys>> current();

 private:
  std::shared_ptr<FileKeys> unexpired(std::int64_t now_ns);

  VolumeContext& context_;
  std::array<std::uint8_t, kPrefixBytes> prefix_;
  FileId file_;
  Envelope envelope_;

  std::mutex mutex_;
  std::shared_ptr<FileKeys> keys_;  // guarded by mutex_

  std::mutex asking_mutex_;
  std::optional<Error> refused_;  // guarded by asking_mutex_, and so is what follows
  std::int64_t refused_at_ns_ = 0;
};

}  // namespace enfold
