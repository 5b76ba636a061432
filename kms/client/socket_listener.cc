#include "kms/client/socket_listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <string_view>

namespace enfold {
namespace {

Result<std::string> target_of(int link) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlinkat(link, "", target.data(), target.size());
  if (size < 0) return system_error(errno, "readlink");
  return std::string(target.data(), static_cast<std::size_t>(size));
}

// As path_resolution(7), but each name is looked at before it is gone through.
class Way {
 public:
  Result<SocketPlace> follow(const std::string& path) {
    ENFOLD_TRY(go(path));
    for (int links = 0; !rest_.empty();) {
      const std::string name = std::move(rest_.back());
      rest_.pop_back();
      ENFOLD_TRY_ASSIGN(Fd next, files_.open_at(at_.get(), name, O_PATH | O_NOFOLLOW, 0));
      ENFOLD_TRY_ASSIGN(const StatX found, files_.stat_at(next.get(), ""));
      steps_.push_back({path_.empty() ? "/" : path_, mode_, found.stx_uid});
      if (S_ISLNK(found.stx_mode)) {
        if (++links > kMostLinks) return system_error(ELOOP, path);
        ENFOLD_TRY_ASSIGN(const std::string target, target_of(next.get()));
        ENFOLD_TRY(go(target));
        continue;
      }
      at_ = std::move(next);
      mode_ = found.stx_mode;
      path_ += "/" + name;
    }
    return SocketPlace{std::move(at_), std::move(steps_)};
  }

 private:
  static constexpr int kMostLinks = 40;

  // From where it is, or from the root.
  Result<void> go(std::string_view path) {
    if (path.starts_with('/')) ENFOLD_TRY(start());
    while (!path.empty()) {
      const std::size_t start = path.rfind('/') + 1;
      if (start < path.size()) rest_.emplace_back(path.substr(start));
      path = path.substr(0, start == 0 ? 0 : start - 1);
    }
    return {};
  }

  Result<void> start() {
    ENFOLD_TRY_ASSIGN(at_, files_.open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0));
    ENFOLD_TRY_ASSIGN(const StatX root, files_.stat_at(at_.get(), ""));
    mode_ = root.stx_mode;
    path_.clear();
    return {};
  }

  PosixFiles files_;
  Fd at_;
  mode_t mode_ = 0;
  std::string path_;
  std::vector<std::string> rest_;  // the next one last
  std::vector<PathStep> steps_;
};

}  // namespace

Result<SocketPlace> find_socket(const std::string& path) { return Way().follow(path); }

const PathStep* find_open_step(std::span<const PathStep> steps, uid_t listener, uid_t self) {
  for (const PathStep& step : steps) {
    const bool is_ours = step.owner == 0 || step.owner == self;
    const bool is_everybodys = (step.directory_mode & S_IWOTH) != 0;
    // Below one with the sticky bit nobody but its owner replaces an entry.
    const bool is_trusted =
        is_everybodys ? is_ours && (step.directory_mode & S_ISVTX) != 0 : is_ours || step.owner == listener;
    if (!is_trusted) return &step;
  }
  return nullptr;
}

Result<void> require_trusted_listener(int connection, std::span<const PathStep> steps) {
  ucred listener{};
  socklen_t size = sizeof(listener);
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &listener, &size) != 0)
    return system_error(errno, "SO_PEERCRED");
  const uid_t self = ::geteuid();
  if (listener.uid == 0 || listener.uid == self) return {};
  const PathStep* open = find_open_step(steps, listener.uid, self);
  if (open == nullptr) return {};
  return make_error(
      Errc::kKmsUnavailable,
      "user " + std::to_string(listener.uid) + " listens there, and " + open->directory +
          " is where others could have put that socket, too; nothing was sent: let the daemon listen "
          "in a directory of its own user's, below root's");
}

}  // namespace enfold
