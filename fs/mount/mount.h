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
  // Of -o, each one option or several with commas; what is allowed: fs/mount/mount_options.h. Options that
  // only concern opening the volume are taken out by the caller, `ro` is looked at by both.
  std::vector<std::string> options;
  bool foreground = false;
};

// Opens the volume by `open` (called after daemonising, before the parent exits), mounts it, serves it until
// it is unmounted or a signal ends it, closes it. The error of anything before "mounted" is returned in the
// process that the user's shell waits for; after that the result is the daemon's. A mount point left dead by
// a killed mount is detached first. In the foreground the service manager is told "READY=1" (sd_notify(3)).
//
// Call it with one thread and with no database, key or random number drawn: it forks unless `foreground`.
// kInvalidArgument: an option, or a mount point that is unusable; kNotFound: no such mount point or lower
// directory; kBusy: something is mounted there already; kUnsupported: this machine or user may not mount.
using OpenForMount = std::function<Result<std::unique_ptr<OpenVolume>>()>;
Result<void> serve_mount(const MountRequest& request, const OpenForMount& open);

}  // namespace enfold
