// The options of `mount -o`: which are ours, the kernel's, or only fstab's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kms/base/error.h"

namespace enfold {

struct MountOptions {
  std::vector<std::string> fuse;  // for libfuse, fusermount3 and mount(2), in the order given
  std::string source;             // fsname=, else empty
  bool read_only = false;
};

// Single options, without the empty ones. A comma after a backslash does not separate; the backslash stays.
std::vector<std::string> split_mount_options(const std::vector<std::string>& options);

// As root others may enter the mount unless it is asked otherwise, since what root mounts is for everyone;
// the kernel checks permissions (default_permissions) always. kInvalidArgument names an option that nobody
// knows.
Result<MountOptions> parse_mount_options(const std::vector<std::string>& options, bool as_root);

}  // namespace enfold
