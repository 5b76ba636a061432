#include "fs/volume/user_directories.h"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>

namespace enfold {
namespace {

Result<std::string> home_directory() {
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') return std::string(home);
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr &&
      found->pw_dir != nullptr && found->pw_dir[0] == '/')
    return std::string(found->pw_dir);
  return make_error(Errc::kNotFound,
                    "this user has no home directory: set HOME, or XDG_CONFIG_HOME and XDG_DATA_HOME");
}

Result<std::string> xdg_directory(const char* variable, const char* below_home) {
  const char* value = std::getenv(variable);
  if (value != nullptr && value[0] == '/') return std::string(value);
  ENFOLD_TRY_ASSIGN(std::string home, home_directory());
  return home + below_home;
}

}  // namespace

Result<std::string> user_config_directory() { return xdg_directory("XDG_CONFIG_HOME", "/.config"); }
Result<std::string> user_data_directory() { return xdg_directory("XDG_DATA_HOME", "/.local/share"); }

Result<std::string> canonical_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
  if (!resolved) return system_error(errno, path);
  return std::string(resolved.get());
}

}  // namespace enfold
