// A directory of marker alone is empty, but not for rmdir(2) and rename(2) below: its marker goes first, and
// comes back when the removal fails.
#pragma once

#include <string>
#include <vector>

#include "fs/volume/inode.h"
#include "fs/volume/volume_context.h"
#include "kms/base/files.h"

namespace enfold {

// Use under the exclusive namespace lock.
class EmptiedDirectory {
 public:
  // Removes marker and leftover sidecars. kSystem ENOTEMPTY, and nothing changed, where there is anything
  // else. `dir` is O_PATH.
  static Result<EmptiedDirectory> take(VolumeContext& context, SharedFd dir);

  // After the removal succeeded, or failed.
  void removed() { restore(); }
  void put_back();

 private:
  EmptiedDirectory(VolumeContext& context, SharedFd dir) : context_(&context), dir_(std::move(dir)) {}

  Result<void> lend_mode();
  void restore();
  Result<void> require_regular(const std::vector<LowerEntry>& entries);
  Result<void> empty();
  Result<void> put_back_marker();

  VolumeContext* context_;
  SharedFd dir_;
  StatX before_{};
  bool mode_lent_ = false;
  bool time_moved_ = false;
  Bytes marker_;  // empty: there was none, or it was not taken out
};

// kSystem ENOTEMPTY where the directory has entries; a check that needs no lock and changes nothing.
Result<void> require_empty(Files& files, int dir);

}  // namespace enfold
