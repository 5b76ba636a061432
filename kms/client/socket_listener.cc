#include "kms/client/socket_listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <vector>

#include "kms/base/files.h"

namespace enfold {
namespace {

Result<PathStep> look_at(PosixFiles& files, const std::string& path) {
  ENFOLD_TRY_ASSIGN(const StatX found, files.stat_at(AT_FDCWD, path));
  return PathStep{path, found.stx_uid, found.stx_mode};
}

Result<std::vector<PathStep>> steps_to(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  if (!real) return system_error(errno, "realpath of " + path);
  const std::string target = real.get();
  PosixFiles files;
  std::vector<PathStep> steps;
  ENFOLD_TRY_ASSIGN(steps.emplace_back(), look_at(files, "/"));
  for (std::size_t end = 0; end != std::string::npos;) {
    end = target.find('/', end + 1);
    ENFOLD_TRY_ASSIGN(steps.emplace_back(), look_at(files, target.substr(0, end)));
  }
  return steps;
}

}  // namespace

const PathStep* find_open_directory(std::span<const PathStep> steps, uid_t listener, uid_t self) {
  for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
    const PathStep& directory = steps[i];
    const uid_t owner = steps[i + 1].owner;
    const bool is_ours = owner == 0 || owner == self;
    const bool is_everybodys = (directory.mode & S_IWOTH) != 0;
    // Below one with the sticky bit nobody but its owner replaces an entry.
    const bool is_trusted =
        is_everybodys ? is_ours && (directory.mode & S_ISVTX) != 0 : is_ours || owner == listener;
    if (!is_trusted) return &directory;
  }
  return nullptr;
}

Result<void> require_trusted_listener(int socket, const std::string& path) {
  ucred listener{};
  socklen_t size = sizeof(listener);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &listener, &size) != 0)
    return system_error(errno, "SO_PEERCRED");
  const uid_t self = ::geteuid();
  if (listener.uid == 0 || listener.uid == self) return {};
  ENFOLD_TRY_ASSIGN(const std::vector<PathStep> steps, steps_to(path));
  const PathStep* open = find_open_directory(steps, listener.uid, self);
  if (open == nullptr) return {};
  return make_error(
      Errc::kKmsUnavailable,
      "user " + std::to_string(listener.uid) + " listens there, and " + open->path +
          " is where others could have put that socket, too; nothing was sent: let the daemon listen "
          "in a directory of its own user's, below root's");
}

}  // namespace enfold
