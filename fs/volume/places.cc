#include "fs/volume/places.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <shared_mutex>

#include "fs/volume/lent_mode.h"
#include "fs/volume/lower_files.h"

namespace enfold {
namespace {

constexpr std::size_t kMaxDirectoryFds = 512;

// At most a quarter of what this process may open: open files need the rest.
std::size_t most_directory_fds() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kMaxDirectoryFds;
  return std::min<std::size_t>(kMaxDirectoryFds, limit.rlim_cur / 4);
}

// Another name may still lead there.
bool is_gone(const Error& error) { return has_errno(error, ENOENT) || has_errno(error, ENOTDIR); }

std::unexpected<Error> stale() { return system_error(ESTALE, "lower object is no longer at its place"); }

}  // namespace

Result<SharedFd> open_identified(Files& files, int dir, const std::string& name, const LowerId& expected) {
  ENFOLD_TRY_ASSIGN(Fd fd, files.open_at(dir, name, O_PATH | O_NOFOLLOW, 0));
  ENFOLD_TRY_ASSIGN(const StatX lower, files.stat_at(fd.get(), ""));
  if (lower_id_of(lower) != expected) return stale();
  return share(std::move(fd));
}

bool can_lend(const StatX& lower, mode_t bits) {
  return ::geteuid() != 0 && lower.stx_uid == ::geteuid() && (lower.stx_mode & bits) != bits;
}

Places::Places(Files& files, InodeTable& table, SharedFd root)
    : files_(files), table_(table), root_(std::move(root)), fds_(most_directory_fds()) {}

Result<SharedFd> Places::directory(const InodePtr& inode) {
  if (inode->number == kRootInode) return root_;
  if (!inode->is_directory()) return system_error(ENOTDIR, "lower object is not a directory");
  if (SharedFd fd = fds_.find(inode->number)) return fd;
  ENFOLD_TRY_ASSIGN(SharedFd fd, open_path(inode, O_PATH | O_NOFOLLOW | O_DIRECTORY));
  fds_.keep(inode->number, fd);
  return fd;
}

Result<SharedFd> Places::directory_lending(const InodePtr& inode) {
  auto fd = directory(inode);
  for (std::size_t index = 0; !fd && has_errno(fd.error(), EACCES); ++index) {
    const InodeTable::Place place = table_.place(*inode, index);
    if (!place.link) break;
    ENFOLD_TRY_ASSIGN(const SharedFd parent, directory_lending(place.link->parent));
    const LentMode lent(files_, parent->get(), S_IXUSR);
    fd = directory(inode);
  }
  return fd;
}

Result<SharedFd> Places::descriptor(const InodePtr& inode) {
  return inode->is_directory() ? directory(inode) : open_path(inode, O_PATH | O_NOFOLLOW);
}

Result<SharedFd> Places::open_path(const InodePtr& inode, int flags) {
  for (std::size_t index = 0;; ++index) {
    const InodeTable::Place place = table_.place(*inode, index);
    if (!place.link && place.orphan) return place.orphan;
    if (!place.link) return stale();
    ENFOLD_TRY_ASSIGN(const SharedFd parent, directory(place.link->parent));
    auto fd = files_.open_at(parent->get(), place.link->lower_name, flags, 0);
    if (!fd && is_gone(fd.error())) continue;
    if (!fd) return std::unexpected(std::move(fd).error());
    ENFOLD_TRY_ASSIGN(const StatX lower, files_.stat_at(fd->get(), ""));
    if (lower_id_of(lower) == inode->lower) return share(std::move(*fd));
  }
}

Result<StatX> Places::status(const InodePtr& inode) {
  if (inode->number == kRootInode) return files_.stat_at(root_->get(), "");
  for (std::size_t index = 0;; ++index) {
    const InodeTable::Place place = table_.place(*inode, index);
    if (!place.link && place.orphan) return files_.stat_at(place.orphan->get(), "");
    if (!place.link) return stale();
    ENFOLD_TRY_ASSIGN(const SharedFd parent, directory(place.link->parent));
    auto lower = files_.stat_at(parent->get(), place.link->lower_name);
    if (!lower && is_gone(lower.error())) continue;
    if (!lower || lower_id_of(*lower) == inode->lower) return lower;
  }
}

Result<SharedFd> Places::resolve(const InodePtr& inode) {
  const std::shared_lock lock(names_);
  return descriptor(inode);
}

Result<StatX> Places::current_status(const InodePtr& inode) {
  const std::shared_lock lock(names_);
  return status(inode);
}

Result<Fd> Places::open_content(const InodePtr& inode, int flags, mode_t lent_bits) {
  auto path = resolve(inode);
  const bool may_lend = lent_bits != 0 && ::geteuid() != 0;
  if (!path && may_lend && has_errno(path.error(), EACCES)) path = resolve_lending(inode);
  if (!path) return std::unexpected(std::move(path).error());
  const SharedFd fd = std::move(*path);
  auto content = reopen_quietly(files_, fd->get(), flags);
  if (content || lent_bits == 0 || !has_errno(content.error(), EACCES)) return content;
  return reopen_lending(fd->get(), flags, lent_bits);
}

Result<SharedFd> Places::resolve_lending(const InodePtr& inode) {
  const std::unique_lock lock(names_);
  const auto link = table_.place(*inode, 0).link;
  if (!link) return descriptor(inode);
  ENFOLD_TRY_ASSIGN(const SharedFd parent, directory_lending(link->parent));
  const LentMode lent(files_, parent->get(), S_IXUSR);
  return descriptor(inode);
}

// Under the exclusive lock nobody sees or changes the mode meanwhile.
Result<Fd> Places::reopen_lending(int fd, int flags, mode_t lent_bits) {
  const std::unique_lock lock(names_);
  ENFOLD_TRY_ASSIGN(const StatX lower, files_.stat_at(fd, ""));
  if (!can_lend(lower, lent_bits)) return reopen_quietly(files_, fd, flags);
  const mode_t mode = lower.stx_mode & 07777U;
  ENFOLD_TRY(files_.set_mode(fd, mode | lent_bits));
  auto content = reopen_quietly(files_, fd, flags);
  ENFOLD_TRY(files_.set_mode(fd, mode));
  return content;
}

void Places::forget(InodeNumber number, std::uint64_t lookups) { close_all(table_.forget(number, lookups)); }

void Places::unpin(const InodePtr& inode) { close_all(table_.unpin(inode)); }

void Places::close_all(const std::vector<InodePtr>& dropped) {
  for (const InodePtr& inode : dropped)
    if (inode->is_directory()) fds_.drop(inode->number);
}

std::string Places::lower_path(const InodePtr& inode) const {
  if (inode->number == kRootInode) return ".";
  const InodeTable::Place place = table_.place(*inode, 0);
  if (!place.link) return "(removed)";
  if (place.link->parent->number == kRootInode) return place.link->lower_name;
  return lower_path(place.link->parent) + "/" + place.link->lower_name;
}

}  // namespace enfold
