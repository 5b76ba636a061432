// One writer: the lock on `enfold.lock`, an open-file-description lock (fcntl(2)), so that the kernel drops
// it with the process that holds it and a dead mount leaves nothing to clean up.
#pragma once

#include <string>

#include "kms/base/files.h"

namespace enfold {

// Holds the lock until it goes.
class VolumeLock {
 public:
  // kBusy names host and process of the holder. Writes who holds it now into the file unless `read_only`;
  // then, where the file cannot be opened for writing, a shared lock is enough.
  static Result<VolumeLock> take(Files& files, int lower_dir, const std::string& lower, bool read_only);

 private:
  explicit VolumeLock(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
};

// Who wrote `enfold.lock` last; it holds the lock only while the lock is held. Empty where nobody did.
struct LockHolder {
  std::string host;
  std::string boot_id;
  std::int64_t pid = 0;
};
Result<LockHolder> read_lock_holder(Files& files, int lower_dir);

}  // namespace enfold
