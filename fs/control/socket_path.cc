#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

#include "fs/control/channel.h"
#include "fs/control/control.h"
#include "kms/crypto/hkdf.h"

namespace enfold {
namespace {

// In order of preference.
std::vector<std::string> candidate_directories() {
  const std::string uid = std::to_string(geteuid());
  std::vector<std::string> out;
  if (geteuid() == 0) {
    out.emplace_back("/run/enfold");
  } else {
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    if (runtime != nullptr && runtime[0] == '/') out.push_back(std::string(runtime) + "/enfold");
    out.push_back("/run/user/" + uid + "/enfold");
  }
  out.push_back("/tmp/enfold-" + uid);
  return out;
}

// In /tmp anybody may have made it first.
bool is_private_directory(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == geteuid() &&
         (found.st_mode & 077) == 0;
}

bool fits(const std::string& path) {
  sockaddr_un address{};
  return set_socket_path(address, path).has_value();
}

bool exists(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

}  // namespace

Result<std::string> control_socket_path(const std::string& canonical_lower) {
  const Digest digest = sha256({as_bytes(canonical_lower)});
  const std::string name = "/" + to_hex(ByteSpan(digest).first(16)) + ".sock";
  const std::vector<std::string> candidates = candidate_directories();
  // The mount may have been started with another environment than the tool that looks for it.
  for (const std::string& directory : candidates)
    if (is_private_directory(directory) && exists(directory + name) && fits(directory + name))
      return directory + name;
  for (const std::string& directory : candidates) {
    if (!fits(directory + name)) continue;
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) continue;
    if (is_private_directory(directory)) return directory + name;
  }
  return make_error(Errc::kNotFound,
                    "no directory for the control socket: " + candidates.back() +
                        " is there and is not this user's own with mode 0700; remove it, or set "
                        "XDG_RUNTIME_DIR");
}

}  // namespace enfold
