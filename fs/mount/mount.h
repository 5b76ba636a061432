// Serves an open volume as a FUSE filesystem.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fs/volume/open_volume.h"
#include "kms/base/error.h"

namespace enfold {

struct MountRequest {
  std::string lower;
  std::string mountpoint;
  std::vector<std::string> options;  // of -o, as fusermount3 and the kernel know them, and our own
  bool foreground = false;
};

// Opens the volume by `open` (called after daemonising, before the parent exits), mounts it, serves it until
// it is unmounted or a signal ends it, closes it. The error of anything before "mounted" is returned in the
// process that the user's shell waits for; after that the result is the daemon's. A mount point left dead by
// a killed mount is detached first.
using OpenForMount = std::function<Result<std::unique_ptr<OpenVolume>>()>;
Result<void> serve_mount(const MountRequest& request, const OpenForMount& open);

}  // namespace enfold
