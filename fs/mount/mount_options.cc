#include "fs/mount/mount_options.h"

#include <algorithm>
#include <array>
#include <utility>

namespace enfold {
namespace {

// mount(8) resolves these itself, or they are for whoever reads /etc/fstab.
bool only_for_fstab(std::string_view option) {
  static constexpr std::array<std::string_view, 13> kNames = {
      "defaults", "auto",   "noauto",  "user",     "nouser",     "users",      "owner",
      "group",    "nofail", "_netdev", "relatime", "norelatime", "strictatime"};
  return std::ranges::find(kNames, option) != kNames.end() || option.starts_with("x-") ||
         option.starts_with("X-") || option.starts_with("comment=");
}

bool for_fuse(std::string_view option) {
  static constexpr std::array<std::string_view, 15> kNames = {
      "ro",    "rw",      "suid", "nosuid", "dev",     "nodev",       "exec",      "noexec",
      "atime", "noatime", "sync", "async",  "dirsync", "allow_other", "allow_root"};
  return std::ranges::find(kNames, option) != kNames.end();
}

bool given(const MountOptions& options, std::string_view name) {
  return std::ranges::find(options.fuse, name) != options.fuse.end();
}

// Backslashes stay, so that what was split can be split again.
void split_into(std::string_view options, std::vector<std::string>& out) {
  std::string one;
  for (std::size_t at = 0; at < options.size(); ++at) {
    if (options[at] == ',') {
      out.push_back(std::exchange(one, {}));
      continue;
    }
    if (options[at] == '\\' && at + 1 < options.size()) one += options[at++];
    one += options[at];
  }
  out.push_back(std::move(one));
}

std::string unescaped(std::string_view value) {
  std::string out;
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value[at] == '\\' && at + 1 < value.size()) ++at;
    out += value[at];
  }
  return out;
}

Result<void> take_option(const std::string& option, MountOptions& out) {
  constexpr std::string_view kSource = "fsname=";
  if (for_fuse(option)) {
    out.fuse.push_back(option);
    if (option == "ro") out.read_only = true;
    if (option == "rw") out.read_only = false;
  } else if (option.starts_with(kSource)) {
    out.source = unescaped(option.substr(kSource.size()));
  } else if (option != "default_permissions" && !only_for_fstab(option)) {
    return make_error(Errc::kInvalidArgument, "unknown mount option '" + option + "'");
  }
  return {};
}

}  // namespace

std::vector<std::string> split_mount_options(const std::vector<std::string>& options) {
  std::vector<std::string> out;
  for (const std::string& one : options) split_into(one, out);
  std::erase(out, "");
  return out;
}

Result<MountOptions> parse_mount_options(const std::vector<std::string>& options, bool as_root) {
  MountOptions out;
  for (const std::string& option : split_mount_options(options)) ENFOLD_TRY(take_option(option, out));
  if (as_root && !given(out, "allow_root") && !given(out, "allow_other"))
    out.fuse.emplace_back("allow_other");
  out.fuse.emplace_back("default_permissions");
  return out;
}

}  // namespace enfold
