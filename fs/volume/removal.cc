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
  remove_sidecar(parts_.context.files, side.dir->get(), side.name());
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
  remove_sidecar(parts_.context.files, side.dir->get(), side.name());
  forget_name(side);
  return {};
}

Result<void> Removal::remove_lower_directory(Side& side) {
  ENFOLD_TRY_ASSIGN(EmptiedDirectory emptied, EmptiedDirectory::take(parts_.context.files, side.kept));
  auto removed = parts_.context.files.unlink_at(side.dir->get(), side.name(), AT_REMOVEDIR);
  if (removed)
    emptied.removed();
  else
    emptied.put_back();
  return removed;
}

Result<void> Removal::rename(const Spot& from_spot, const Spot& to_spot, unsigned flags) {
  Side from;
  Side to;
  {
    const ExclusiveNames names(parts_.places.names());
    ENFOLD_TRY_ASSIGN(from, look(from_spot));
    ENFOLD_TRY_ASSIGN(to, look(to_spot));
    if (!from.lower) return system_error(ENOENT, "rename");
    if (to.lower && (flags & RENAME_NOREPLACE) != 0) return system_error(EEXIST, "rename");
    if (!to.lower && (flags & RENAME_EXCHANGE) != 0) return system_error(ENOENT, "rename");
    if (from.lower == to.lower) return {};  // two names of one inode: POSIX leaves both
    ENFOLD_TRY(keep(from));
    ENFOLD_TRY(keep(to));
    ENFOLD_TRY((flags & RENAME_EXCHANGE) != 0 ? exchange(from, to) : replace(from, to));
  }
  give_hint(from, to_spot);
  if ((flags & RENAME_EXCHANGE) != 0) give_hint(to, from_spot);
  return {};
}

Result<void> Removal::exchange(Side& from, Side& to) {
  ENFOLD_TRY(parts_.context.files.rename_at(from.dir->get(), from.name(), to.dir->get(), to.name(),
                                            RENAME_EXCHANGE));
  if (from.inode) parts_.table.renamed(from.inode, from.spot->link(), to.spot->link());
  if (to.inode) parts_.table.renamed(to.inode, to.spot->link(), from.spot->link());
  return {};
}

Result<void> Removal::replace(Side& from, Side& to) {
  Files& files = parts_.context.files;
  if (to.lower && from.is_directory() && !to.is_directory()) return system_error(ENOTDIR, "rename");
  if (to.lower && !from.is_directory() && to.is_directory()) return system_error(EISDIR, "rename");
  ENFOLD_TRY(write_sidecar(files, to.dir->get(), to.spot->lower));
  auto renamed = to.is_directory()
                     ? replace_directory(from, to)
                     : files.rename_at(from.dir->get(), from.name(), to.dir->get(), to.name(), 0);
  if (!renamed) {
    if (!to.lower) remove_sidecar(files, to.dir->get(), to.name());
    return renamed;
  }
  remove_sidecar(files, from.dir->get(), from.name());
  forget_name(to);
  if (from.inode) parts_.table.renamed(from.inode, from.spot->link(), to.spot->link());
  if (to.spot->lower.is_hashed()) to.spot->directory->add_unsynced(sidecar_of(to.name()));
  return {};
}

Result<void> Removal::replace_directory(Side& from, Side& to) {
  Files& files = parts_.context.files;
  ENFOLD_TRY_ASSIGN(EmptiedDirectory emptied, EmptiedDirectory::take(files, to.kept));
  auto renamed = files.rename_at(from.dir->get(), from.name(), to.dir->get(), to.name(), 0);
  if (renamed)
    emptied.removed();
  else
    emptied.put_back();
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
