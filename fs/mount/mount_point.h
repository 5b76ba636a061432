// Where a volume is to be mounted: what is there already, and taking it away again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kms/base/error.h"

namespace enfold {

// One line of /proc/self/mountinfo (proc(5)).
struct MountEntry {
  std::string point;
  std::string type;
  std::string source;
  std::string device;  // "major:minor"
};
std::vector<MountEntry> parse_mount_table(std::string_view mountinfo);

// The canonical path of the directory `path`. A dead Enfold mount there is detached. kNotFound, kBusy where a
// FUSE filesystem is mounted there, kInvalidArgument where it is no directory, or where it and the canonical
// directory `lower` lie within each other.
Result<std::string> prepare_mount_point(const std::string& path, const std::string& lower);

// The canonical path of the lower directory; kNotFound, kInvalidArgument.
Result<std::string> canonical_lower(const std::string& path);

// Of the topmost mount there, "major:minor"; empty where nothing is mounted. Asks no filesystem.
std::string device_at(const std::string& point);

// Whether some Enfold mount of this source is in this process's mount table.
bool is_mounted_from(const std::string& source);

// Takes the topmost mount at `point` away. kUnlessBusy fails while something has a file open in it; kDetach
// hides it at once and lets its users finish. As an ordinary user by way of fusermount3.
enum class Unmount : std::uint8_t { kUnlessBusy, kDetach };
bool unmount(const std::string& point, Unmount how);

}  // namespace enfold
