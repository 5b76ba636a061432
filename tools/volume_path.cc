#include "tools/volume_path.h"

#include <cerrno>

#include "fs/control/control.h"
#include "fs/mount/mount_point.h"
#include "fs/volume/user_directories.h"
#include "kms/base/files.h"

namespace enfold {
namespace {

constexpr std::size_t kMaxMountTableBytes = std::size_t{16} * 1024 * 1024;

// A dead mount cannot be resolved itself, its parent can.
Result<std::string> resolve(std::string path) {
  auto resolved = canonical_path(path);
  if (resolved || resolved.error().errno_value != ENOTCONN) return resolved;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const std::size_t slash = path.rfind('/');
  ENFOLD_TRY_ASSIGN(const std::string parent,
                    canonical_path(slash == std::string::npos ? "." : path.substr(0, slash + 1)));
  return (parent == "/" ? "" : parent) + "/" + path.substr(slash == std::string::npos ? 0 : slash + 1);
}

}  // namespace

Result<std::string> lower_directory_of(const std::string& path) {
  ENFOLD_TRY_ASSIGN(std::string resolved, resolve(path));
  PosixFiles files;
  ENFOLD_TRY_ASSIGN(const Bytes table,
                    read_file(files, AT_FDCWD, "/proc/self/mountinfo", kMaxMountTableBytes));
  std::optional<MountEntry> topmost;
  for (MountEntry& entry : parse_mount_table(as_string(table)))
    if (entry.point == resolved) topmost = std::move(entry);
  if (topmost && topmost->type == "fuse.enfold") return topmost->source;
  return resolved;
}

Result<std::optional<MountStatus>> status_of_mount(const std::string& lower) {
  ENFOLD_TRY_ASSIGN(const std::string socket, control_socket_path(lower));
  ENFOLD_TRY_ASSIGN(const std::optional<std::string> line,
                    control_request(socket, kStatusRequest, [](const auto&) { return true; }));
  if (!line) return std::nullopt;
  ENFOLD_TRY_ASSIGN(ControlMessage message, decode_control_message(*line));
  if (auto* error = std::get_if<Error>(&message)) return std::unexpected(std::move(*error));
  if (auto* status = std::get_if<MountStatus>(&message)) return std::move(*status);
  return make_error(Errc::kDamaged,
                    socket + ": the mount answered another question; unmount and mount again");
}

}  // namespace enfold
