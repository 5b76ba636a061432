#include "fs/volume/removal.h"

#include <linux/fs.h>

#include <cerrno>

#include "fs/volume/file_body.h"
#include "fs/volume/lower_files.h"
#include "kms/base/log.h"

namespace enfold {

Result<LowerId> require_own(const StatX& lower, const Spot& spot) {
  LowerId id = lower_id_of(lower);
  if (id.type != 0) return id;
  log_warning("directory inode " + std::to_string(spot.directory->number) + ": " + spot.lower.name +
              " is neither a directory nor a regular file, and is left alone");
  return make_error(Errc::kDamaged, "lower entry " + spot.lower.name + " was not made by this volume");
}

Result<Removal::Side> Removal::look(const Spot& spot) {
  Side side;
  side.spot = &spot;
  ENFOLD_TRY_ASSIGN(side.dir, parts_.places.directory(spot.directory));
  auto lower = parts_.context.files.stat_at(side.dir->get(), spot.lower.name);
  if (!lower && has_errno(lower.error(), ENOENT)) return side;
  if (!lower) return std::unexpected(std::move(lower).error());
  ENFOLD_TRY_ASSIGN(side.lower, require_own(*lower, spot));
  side.is_last_name = side.is_directory() || lower->stx_nlink == 1;
  side.inode = parts_.table.find(*side.lower);
  return side;
}

Result<void> Removal::keep(Side& side) {
  if (!side.lower) return {};
  ENFOLD_TRY_ASSIGN(side.kept,
                    open_identified(parts_.context.files, side.dir->get(), side.name(), *side.lower));
  return {};
}

void Removal::forget_name(const Side& side) {
  if (!side.lower) return;
  parts_.unsynced.unlinked(side.spot->directory->lower, side.name(), side.identity());
  if (side.is_last_name) parts_.unsynced.removed(*side.lower);
  if (!side.inode) return;
  parts_.table.unlinked(side.inode, side.spot->link(), side.kept);
  if (side.is_directory()) parts_.places.drop_descriptor(*side.inode);
}

Result<void> Removal::unlink(const Spot& spot) {
  Side side;  // closes after the lock
  const ExclusiveNames names(parts_.places.names());
  ENFOLD_TRY_ASSIGN(side, look(spot));
  if (!side.lower) return system_error(ENOENT, "unlink");
  if (side.is_directory()) return system_error(EISDIR, "unlink");
  if (side.inode) ENFOLD_TRY(keep(side));
  ENFOLD_TRY(parts_.context.files.unlink_at(side.dir->get(), side.name(), 0));
  parts_.directories.remove_sidecar(spot.link(), side.dir->get());
  forget_name(side);
  return {};
}

Result<void> Removal::remove_directory(const Spot& spot) {
  Side side;
  const ExclusiveNames names(parts_.places.names());
  ENFOLD_TRY_ASSIGN(side, look(spot));
  if (!side.lower) return system_error(ENOENT, "rmdir");
  if (!side.is_directory()) return system_error(ENOTDIR, "rmdir");
  ENFOLD_TRY(keep(side));
  ENFOLD_TRY(remove_lower_directory(side));
  parts_.directories.remove_sidecar(spot.link(), side.dir->get());
  forget_name(side);
  return {};
}

Result<void> Removal::remove_lower_directory(Side& side) {
  ENFOLD_TRY_ASSIGN(EmptiedDirectory emptied, take_empty(side));
  auto removed = parts_.context.files.unlink_at(side.dir->get(), side.name(), AT_REMOVEDIR);
  if (removed)
    emptied.removed();
  else
    put_back(emptied, side);
  return removed;
}

Result<EmptiedDirectory> Removal::take_empty(const Side& side) {
  auto taken = EmptiedDirectory::take(parts_.context, side.kept);
  // It may have been taken out and put back.
  if (!taken && !has_errno(taken.error(), ENOTEMPTY)) parts_.unsynced.rewritten_marker(side.identity());
  return taken;
}

// What comes back has to be synced again.
void Removal::put_back(EmptiedDirectory& emptied, const Side& side) {
  emptied.put_back();
  parts_.unsynced.rewritten_marker(side.identity());
}

// A sync may take long, so that these are done before the lock: what is synced stays so.
Result<void> Removal::sync_paths(const Spot& from, const Spot& to, unsigned flags) {
  if (from.directory == to.directory) return {};
  ENFOLD_TRY(parts_.durable_first.path_to(to.directory));
  if ((flags & RENAME_EXCHANGE) == 0) return {};
  return parts_.durable_first.path_to(from.directory);
}

Result<void> Removal::rename(const Spot& from, const Spot& to, unsigned flags) {
  ENFOLD_TRY(sync_paths(from, to, flags));
  for (;;) {
    ENFOLD_TRY_ASSIGN(const std::optional<Side> unsynced, try_rename(from, to, flags));
    if (!unsynced) return {};
    ENFOLD_TRY(parts_.durable_first.special(unsynced->identity(), unsynced->kept->get()));
  }
}

Result<std::optional<Removal::Side>> Removal::try_rename(const Spot& from_spot, const Spot& to_spot,
                                                         unsigned flags) {
  const bool exchanges = (flags & RENAME_EXCHANGE) != 0;
  Side from;
  Side to;
  {
    const ExclusiveNames names(parts_.places.names());
    ENFOLD_TRY_ASSIGN(from, look(from_spot));
    ENFOLD_TRY_ASSIGN(to, look(to_spot));
    if (!from.lower) return system_error(ENOENT, "rename");
    if (to.lower && (flags & RENAME_NOREPLACE) != 0) return system_error(EEXIST, "rename");
    if (!to.lower && exchanges) return system_error(ENOENT, "rename");
    if (from.lower == to.lower) return std::nullopt;  // two names of one inode: POSIX leaves both
    ENFOLD_TRY(keep(from));
    ENFOLD_TRY(keep(to));
    if (!exchanges && to.lower && is_unsynced_special(from)) return from;
    ENFOLD_TRY(exchanges ? exchange(from, to) : replace(from, to));
  }
  give_hint(from, to_spot);
  if (exchanges) give_hint(to, from_spot);
  return std::nullopt;
}

// Nobody can fsync a symlink, so what it replaces must not go before it is there.
bool Removal::is_unsynced_special(const Side& side) const {
  const mode_t type = side.identity().type;
  const bool is_special = type != S_IFDIR && type != S_IFREG;
  return is_special && parts_.unsynced.contains(side.identity());
}

Result<void> Removal::exchange(Side& from, Side& to) {
  ENFOLD_TRY(parts_.directories.make_durable_sidecar(*from.spot, from.dir->get()));
  ENFOLD_TRY(parts_.directories.make_durable_sidecar(*to.spot, to.dir->get()));
  ENFOLD_TRY(parts_.context.files.rename_at(from.dir->get(), from.name(), to.dir->get(), to.name(),
                                            RENAME_EXCHANGE));
  name_moved(from, *to.spot);
  name_moved(to, *from.spot);
  return {};
}

void Removal::name_moved(const Side& side, const Spot& to) {
  parts_.unsynced.unlinked(side.spot->directory->lower, side.name(), side.identity());
  parts_.unsynced.linked(to.directory->lower, to.lower.name, side.identity());
  if (side.inode) parts_.table.renamed(side.inode, side.spot->link(), to.link());
  if (parts_.context.epochs.recovering()) parts_.recovery.moved(side.identity(), to.link());
  parts_.moved_objects.note(to.link());
}

Result<void> Removal::replace(Side& from, Side& to) {
  Files& files = parts_.context.files;
  if (to.lower && from.is_directory() && !to.is_directory()) return system_error(ENOTDIR, "rename");
  if (to.lower && !from.is_directory() && to.is_directory()) return system_error(EISDIR, "rename");
  ENFOLD_TRY(parts_.directories.make_durable_sidecar(*to.spot, to.dir->get()));
  auto renamed = to.is_directory()
                     ? replace_directory(from, to)
                     : files.rename_at(from.dir->get(), from.name(), to.dir->get(), to.name(), 0);
  if (!renamed) {
    if (!to.lower) parts_.directories.remove_sidecar(to.spot->link(), to.dir->get());
    return renamed;
  }
  parts_.directories.remove_sidecar(from.spot->link(), from.dir->get());
  forget_name(to);
  name_moved(from, *to.spot);
  return {};
}

Result<void> Removal::replace_directory(Side& from, Side& to) {
  Files& files = parts_.context.files;
  ENFOLD_TRY_ASSIGN(EmptiedDirectory emptied, take_empty(to));
  auto renamed = files.rename_at(from.dir->get(), from.name(), to.dir->get(), to.name(), 0);
  if (renamed)
    emptied.removed();
  else
    put_back(emptied, to);
  return renamed;
}

// Outside of the lock: where two renames of one directory overtake each other the hint may be the older
// one's.
void Removal::give_hint(const Side& side, const Spot& to) {
  if (side.spot->directory == to.directory) return;
  if (side.is_directory())
    return write_parent_hint(parts_.context, parts_.places.names(), side.kept->get(), to.directory_id);
  if (!side.inode) return;
  if (const auto body = side.inode->body()) body->set_parent(to.directory_id);
}

}  // namespace enfold
