#include "fs/mount/mount_point.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

namespace enfold {
namespace {

constexpr std::string_view kType = "fuse.enfold";

// mountinfo writes blanks, tabs, line ends and backslashes as a backslash and three octal digits.
std::string unescape(const std::string& field) {
  std::string out;
  for (std::size_t at = 0; at < field.size(); ++at) {
    if (field[at] != '\\' || at + 3 >= field.size()) {
      out += field[at];
      continue;
    }
    out += static_cast<char>(std::stoi(field.substr(at + 1, 3), nullptr, 8));
    at += 3;
  }
  return out;
}

std::vector<MountEntry> mount_table() {
  std::ifstream file("/proc/self/mountinfo");
  return parse_mount_table(std::string(std::istreambuf_iterator<char>(file), {}));
}

// What is mounted at `point`, the topmost; an empty type where nothing is.
MountEntry topmost_at(const std::string& point) {
  MountEntry found;
  for (MountEntry& entry : mount_table()) {
    if (entry.point == point) found = std::move(entry);
  }
  return found;
}

Result<std::string> real_path(const std::string& path) {
  std::array<char, PATH_MAX> resolved{};
  if (::realpath(path.c_str(), resolved.data()) == nullptr) return system_error(errno, path);
  return std::string(resolved.data());
}

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// A dead mount cannot be resolved itself, its parent can.
Result<std::string> real_path_of_dead_mount(const std::string& path) {
  auto slash = path.rfind('/');
  ENFOLD_TRY_ASSIGN(std::string parent,
                    real_path(slash == std::string::npos ? "." : path.substr(0, slash + 1)));
  return (parent == "/" ? "" : parent) + "/" + path.substr(slash == std::string::npos ? 0 : slash + 1);
}

// Attributes may still be in the kernel's cache; statfs(2) always asks the process behind the mount.
bool is_dead(const std::string& path) {
  struct statvfs ignored {};
  return ::statvfs(path.c_str(), &ignored) != 0 && errno == ENOTCONN;
}

Result<std::string> resolve_mount_point(const std::string& path) {
  std::string clean = without_trailing_slashes(path);
  if (is_dead(clean)) return real_path_of_dead_mount(clean);
  auto resolved = real_path(clean);
  if (resolved || resolved.error().errno_value != ENOENT) return resolved;
  return make_error(Errc::kNotFound, "mount point " + path + " does not exist: make the directory first");
}

std::unexpected<Error> in_use(const std::string& point, const MountEntry& by) {
  std::string message = "mount point " + point + " is in use: ";
  message.append(by.source).append(" (").append(by.type);
  message.append(") is mounted there; unmount it or choose another directory");
  return make_error(Errc::kBusy, std::move(message));
}

std::unexpected<Error> not_detached(const std::string& point) {
  std::string message = "mount point " + point + " is a dead mount that could not be detached; ";
  message.append("run 'fusermount3 -u -z ").append(point).append("' as the user who mounted it");
  return make_error(Errc::kBusy, std::move(message));
}

// Mounts can lie on top of each other, so it may take several rounds.
Result<void> clear_mount_point(const std::string& point) {
  for (MountEntry top = topmost_at(point); top.type.starts_with("fuse"); top = topmost_at(point)) {
    if (top.type != kType || !is_dead(point)) return in_use(point, top);
    if (!unmount(point, Unmount::kDetach)) return not_detached(point);
  }
  return {};
}

Result<void> require_directory(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return system_error(errno, path);
  if (!S_ISDIR(status.st_mode)) return make_error(Errc::kInvalidArgument, path + " is not a directory");
  return {};
}

bool is_within(const std::string& inner, const std::string& outer) {
  std::string prefix = outer == "/" ? outer : outer + "/";
  return inner == outer || inner.starts_with(prefix);
}

bool run_fusermount(const std::string& point, const char* flags) {
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::array<const char*, 5> arguments = {"fusermount3", flags, "--", point.c_str(), nullptr};
  pid_t child = -1;
  int spawned = ::posix_spawnp(&child, arguments[0], &quiet, nullptr,
                               const_cast<char* const*>(arguments.data()), environ);
  posix_spawn_file_actions_destroy(&quiet);
  if (spawned != 0) return false;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

std::vector<MountEntry> parse_mount_table(std::string_view mountinfo) {
  std::vector<MountEntry> out;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string skipped;
    MountEntry entry;
    fields >> skipped >> skipped >> entry.device >> skipped >> entry.point;
    while (fields >> skipped && skipped != "-") {
    }
    fields >> entry.type >> entry.source;
    entry.point = unescape(entry.point);
    entry.source = unescape(entry.source);
    out.push_back(std::move(entry));
  }
  return out;
}

Result<std::string> prepare_mount_point(const std::string& path, const std::string& lower) {
  ENFOLD_TRY_ASSIGN(std::string point, resolve_mount_point(path));
  ENFOLD_TRY(clear_mount_point(point));
  ENFOLD_TRY(require_directory(point));
  if (is_within(point, lower) || is_within(lower, point)) {
    return make_error(Errc::kInvalidArgument, "mount point " + point + " and lower directory " + lower +
                                                  " lie within each other: choose another mount point");
  }
  return point;
}

Result<std::string> canonical_lower(const std::string& path) {
  auto resolved = real_path(path);
  if (!resolved && resolved.error().errno_value == ENOENT) {
    return make_error(Errc::kNotFound, "lower directory " + path + " does not exist");
  }
  if (!resolved) return resolved;
  ENFOLD_TRY(require_directory(*resolved));
  return resolved;
}

std::string device_at(const std::string& point) { return topmost_at(point).device; }

bool is_mounted_from(const std::string& source) {
  for (const MountEntry& entry : mount_table()) {
    if (entry.type == kType && entry.source == source) return true;
  }
  return false;
}

bool unmount(const std::string& point, Unmount how) {
  bool detach = how == Unmount::kDetach;
  if (::geteuid() != 0) return run_fusermount(point, detach ? "-uz" : "-u");
  return ::umount2(point.c_str(), UMOUNT_NOFOLLOW | (detach ? MNT_DETACH : 0)) == 0;
}

}  // namespace enfold
