#include "fs/volume/creation.h"

#include <unistd.h>

#include <cerrno>
#include <tuple>

#include "fs/format/marker.h"
#include "fs/volume/lower_files.h"
#include "kms/base/log.h"

namespace enfold {

Result<Creation::MadeFile> Creation::file(const Spot& spot, mode_t mode, const Caller& caller) {
  // First of all, so that a KMS that does not answer leaves nothing behind.
  ENFOLD_TRY_ASSIGN(FileBody::NewFile prepared, FileBody::prepare(parts_.context));
  // Without the set-id bits, which wait for the owner.
  ENFOLD_TRY_ASSIGN(Lower lower, make_inode_file(spot, mode & 0777U));
  auto body = fill_file(spot, lower, std::move(prepared), mode, caller);
  if (body) return MadeFile{lower.inode, parts_.open_files.open_created(lower.inode, std::move(*body))};
  undo(spot, lower);
  lower.opening.unlock();
  parts_.places.forget(lower.inode->number, 1);
  return std::unexpected(std::move(body).error());
}

Result<InodePtr> Creation::directory(const Spot& spot, mode_t mode, const Caller& caller) {
  const DirectoryId id = DirectoryId::random(parts_.context.entropy);
  ENFOLD_TRY_ASSIGN(const Lower lower, make_lower_directory(spot, mode));
  auto entered = fill_directory(spot, lower, id, mode, caller);
  if (entered)
    (*entered)->set_directory_id(id);
  else
    undo(spot, lower);
  return entered;
}

Result<InodePtr> Creation::special(const Spot& spot, Special special, mode_t mode, const Caller& caller) {
  special.file = FileId::random(parts_.context.entropy);
  const Bytes content = seal_special(special, parts_.context.keys, parts_.context.entropy);
  ENFOLD_TRY_ASSIGN(const Lower lower, make_lower_file(spot, 0600));
  auto entered = fill_special(spot, lower, content, mode, caller);
  if (!entered) {
    undo(spot, lower);
    return entered;
  }
  spot.directory->add_unsynced(spot.lower.name);
  (*entered)->set_special(std::make_shared<const Special>(std::move(special)));
  return entered;
}

Result<InodePtr> Creation::link(const InodePtr& inode, const Spot& spot) {
  if (inode->is_directory()) return system_error(EPERM, "link of a directory");
  auto linked = [&]() -> Result<InodePtr> {
    const SharedNames names(parts_.places.names());
    ENFOLD_TRY_ASSIGN(const SharedFd fd, parts_.places.descriptor(inode));
    ENFOLD_TRY_ASSIGN(const SharedFd parent, prepare(spot));
    ENFOLD_TRY(parts_.context.files.link_at(fd->get(), parent->get(), spot.lower.name));
    return parts_.table.remember(inode->lower, spot.link());
  }();
  if (!linked) drop_unused_sidecar(spot);
  return linked;
}

Result<SharedFd> Creation::prepare(const Spot& spot) {
  ENFOLD_TRY_ASSIGN(SharedFd parent, parts_.places.directory(spot.directory));
  ENFOLD_TRY(write_sidecar(parts_.context.files, parent->get(), spot.lower));
  if (spot.lower.is_hashed()) spot.directory->add_unsynced(sidecar_of(spot.lower.name));
  return parent;
}

Result<Creation::Lower> Creation::open_new(const Spot& spot, mode_t mode) {
  ENFOLD_TRY_ASSIGN(SharedFd parent, prepare(spot));
  ENFOLD_TRY_ASSIGN(Fd fd, parts_.context.files.open_at(parent->get(), spot.lower.name,
                                                        O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
  return Lower{std::move(parent), share(std::move(fd)), nullptr, {}};
}

Result<Creation::Lower> Creation::make_lower_file(const Spot& spot, mode_t mode) {
  auto made = [&] {
    const SharedNames names(parts_.places.names());
    return open_new(spot, mode);
  }();
  if (!made) drop_unused_sidecar(spot);
  return made;
}

Result<Creation::Lower> Creation::make_inode_file(const Spot& spot, mode_t mode) {
  Files& files = parts_.context.files;
  auto made = [&]() -> Result<Lower> {
    const SharedNames names(parts_.places.names());
    ENFOLD_TRY_ASSIGN(Lower lower, open_new(spot, mode));
    auto status = files.stat_at(lower.fd->get(), "");
    if (status)
      std::tie(lower.inode, lower.opening) = parts_.table.remember_new(lower_id_of(*status), spot.link());
    if (lower.inode) return lower;
    std::ignore = files.unlink_at(lower.parent->get(), spot.lower.name, 0);
    if (!status) return std::unexpected(std::move(status).error());
    return system_error(ESTALE, "the new lower file has the identity of one in use");
  }();
  if (!made) drop_unused_sidecar(spot);
  return made;
}

Result<Creation::Lower> Creation::make_lower_directory(const Spot& spot, mode_t mode) {
  auto made = [&]() -> Result<Lower> {
    Files& files = parts_.context.files;
    const SharedNames names(parts_.places.names());
    ENFOLD_TRY_ASSIGN(SharedFd parent, prepare(spot));
    ENFOLD_TRY(files.make_directory_at(parent->get(), spot.lower.name, (mode & 0777U) | 0700U));
    auto fd = files.open_at(parent->get(), spot.lower.name, O_PATH | O_NOFOLLOW | O_DIRECTORY, 0);
    if (fd) return Lower{std::move(parent), share(std::move(*fd)), nullptr, {}};
    std::ignore = files.unlink_at(parent->get(), spot.lower.name, AT_REMOVEDIR);
    return std::unexpected(std::move(fd).error());
  }();
  if (!made) drop_unused_sidecar(spot);
  return made;
}

Result<std::shared_ptr<FileBody>> Creation::fill_file(const Spot& spot, const Lower& lower,
                                                      FileBody::NewFile prepared, mode_t mode,
                                                      const Caller& caller) {
  ENFOLD_TRY(give(lower, mode, caller));
  ENFOLD_TRY_ASSIGN(Fd fd, parts_.context.files.duplicate(lower.fd->get()));
  return FileBody::create(parts_.context, std::move(prepared), std::move(fd), spot.directory_id);
}

Result<InodePtr> Creation::fill_special(const Spot& spot, const Lower& lower, ByteSpan content, mode_t mode,
                                        const Caller& caller) {
  ENFOLD_TRY(write_full(parts_.context.files, lower.fd->get(), content, 0));
  ENFOLD_TRY(give(lower, mode, caller));
  return enter(spot, lower);
}

Result<InodePtr> Creation::fill_directory(const Spot& spot, const Lower& lower, const DirectoryId& id,
                                          mode_t mode, const Caller& caller) {
  const Marker marker{parts_.context.keys.volume(), id, spot.directory_id};
  ENFOLD_TRY(write_new_marker(parts_.context.files, lower.fd->get(),
                              encode_marker(marker, parts_.context.keys.marker_mac())));
  ENFOLD_TRY(give(lower, mode, caller));
  return enter(spot, lower);
}

Result<void> Creation::give(const Lower& lower, mode_t mode, const Caller& caller) {
  Files& files = parts_.context.files;
  ENFOLD_TRY_ASSIGN(const StatX made, files.stat_at(lower.fd->get(), ""));
  ENFOLD_TRY_ASSIGN(const StatX parent, files.stat_at(lower.parent->get(), ""));
  const bool inherits_group = (parent.stx_mode & S_ISGID) != 0;
  mode_t wanted = mode & 07777U;
  if (inherits_group && S_ISDIR(made.stx_mode)) wanted |= S_ISGID;
  const gid_t gid = inherits_group ? parent.stx_gid : caller.gid;
  // Only root can give away; to an ordinary user's files the lower filesystem gives owner and group.
  const bool is_given = ::geteuid() == 0 && (made.stx_uid != caller.uid || made.stx_gid != gid);
  if (is_given) ENFOLD_TRY(files.set_owner(lower.fd->get(), caller.uid, gid));
  // A change of owner drops set-id bits, and the process's umask may have dropped others.
  if (!is_given && (made.stx_mode & 07777U) == wanted) return {};
  return files.set_mode(lower.fd->get(), wanted);
}

Result<InodePtr> Creation::enter(const Spot& spot, const Lower& lower) {
  ENFOLD_TRY_ASSIGN(const StatX made, parts_.context.files.stat_at(lower.fd->get(), ""));
  const SharedNames names(parts_.places.names());
  // Somebody who found the new name may have moved it on already.
  ENFOLD_TRY(open_identified(parts_.context.files, lower.parent->get(), spot.lower.name, lower_id_of(made)));
  return parts_.table.remember(lower_id_of(made), spot.link());
}

void Creation::undo(const Spot& spot, const Lower& lower) {
  Files& files = parts_.context.files;
  auto undone = [&]() -> Result<void> {
    const ExclusiveNames names(parts_.places.names());
    ENFOLD_TRY_ASSIGN(const StatX made, files.stat_at(lower.fd->get(), ""));
    const bool is_directory = S_ISDIR(made.stx_mode);
    ENFOLD_TRY(open_identified(files, lower.parent->get(), spot.lower.name, lower_id_of(made)));
    if (is_directory) std::ignore = files.unlink_at(lower.fd->get(), std::string(kMarkerName), 0);
    ENFOLD_TRY(files.unlink_at(lower.parent->get(), spot.lower.name, is_directory ? AT_REMOVEDIR : 0));
    remove_sidecar(files, lower.parent->get(), spot.lower.name);
    if (lower.inode) parts_.table.unlinked(lower.inode, spot.link(), lower.fd);
    return {};
  }();
  if (!undone) log_warning("half-made lower entry " + spot.lower.name + ": " + describe(undone.error()));
}

void Creation::drop_unused_sidecar(const Spot& spot) {
  if (!spot.lower.is_hashed()) return;
  const ExclusiveNames names(parts_.places.names());
  auto parent = parts_.places.directory(spot.directory);
  if (!parent) return;
  auto entry = parts_.context.files.stat_at((*parent)->get(), spot.lower.name);
  if (!entry && has_errno(entry.error(), ENOENT))
    remove_sidecar(parts_.context.files, (*parent)->get(), spot.lower.name);
}

}  // namespace enfold
