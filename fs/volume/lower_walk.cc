#include "fs/volume/lower_walk.h"

#include <dirent.h>

#include <cerrno>
#include <mutex>
#include <shared_mutex>

#include "fs/volume/lent_mode.h"
#include "fs/volume/lower_files.h"

namespace enfold {

// Each level holds the names of its subdirectories, and one inode.
void LowerWalk::run(const InodePtr& top, Visitor& visitor, const std::atomic<bool>& stop) {
  std::vector<Level> levels;
  levels.push_back(enter(top, visitor, stop));
  while (!levels.empty()) {
    Level& level = levels.back();
    if (level.subdirectories.empty() || stop) {
      leave(level.directory);
      levels.pop_back();
      continue;
    }
    const Link link{level.directory, std::move(level.subdirectories.back())};
    level.subdirectories.pop_back();
    const InodePtr inode = visitor.find(link);
    if (!inode) continue;
    if (inode->is_directory()) {
      levels.push_back(enter(inode, visitor, stop));
      continue;
    }
    leave(inode);
    visitor.object(link);
  }
}

void LowerWalk::leave(const InodePtr& inode) {
  if (inode->number != kRootInode) places_.forget(inode->number, 1);
}

LowerWalk::Level LowerWalk::enter(const InodePtr& directory, Visitor& visitor,
                                  const std::atomic<bool>& stop) {
  Level level{directory, {}};
  if (!visitor.enter(directory)) return level;
  auto entries = list(directory);
  if (!entries) {
    visitor.not_listed(entries.error(), directory);
    return level;
  }
  for (LowerEntry& entry : *entries) {
    if (stop) break;
    if (!visitor.wants(directory, entry)) continue;
    if (entry.type == DT_DIR || entry.type == DT_UNKNOWN)
      level.subdirectories.push_back(std::move(entry.name));
    else
      visitor.object({directory, std::move(entry.name)});
  }
  return level;
}

Result<std::vector<LowerEntry>> LowerWalk::list(const InodePtr& directory) {
  ENFOLD_TRY_ASSIGN(const Fd listable, open_listable(directory));
  return files_.list(listable.get());
}

Result<Fd> LowerWalk::open_listable(const InodePtr& directory) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY;
  auto dir = places_.resolve(directory);
  auto listable = dir ? files_.reopen((*dir)->get(), kFlags) : std::unexpected(dir.error());
  if (listable || !has_errno(listable.error(), EACCES)) return listable;
  const std::unique_lock names(places_.names());
  ENFOLD_TRY_ASSIGN(const SharedFd closed, places_.directory_lending(directory));
  const LentMode lent(files_, closed->get(), S_IRWXU);
  return files_.reopen(closed->get(), kFlags);
}

Result<InodePtr> LowerWalk::find(const Link& link) {
  {
    const std::shared_lock names(places_.names());
    auto found = find_named(link);
    if (found || !has_errno(found.error(), EACCES)) return found;
  }
  const std::unique_lock names(places_.names());
  ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.directory_lending(link.parent));
  const LentMode lent(files_, dir->get(), S_IXUSR);
  return find_named(link);
}

bool LowerWalk::may_be_there(const Link& link) {
  const std::shared_lock names(places_.names());
  const auto dir = places_.directory(link.parent);
  if (!dir) return true;
  const auto lower = files_.stat_at((*dir)->get(), link.lower_name);
  return lower || !has_errno(lower.error(), ENOENT);
}

Result<InodePtr> LowerWalk::find_named(const Link& link) {
  ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.directory(link.parent));
  ENFOLD_TRY_ASSIGN(const StatX lower, files_.stat_at(dir->get(), link.lower_name));
  const LowerId id = lower_id_of(lower);
  if (id.type == 0) return make_error(Errc::kDamaged, "neither a directory nor a regular file");
  return table_.remember(id, link);
}

}  // namespace enfold
