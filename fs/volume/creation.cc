#include "fs/volume/creation.h"

#include <unistd.h>

#include <cerrno>
#include <tuple>
#include <utility>

#include "fs/format/marker.h"
#include "fs/volume/lent_mode.h"
#include "fs/volume/lower_files.h"
#include "fs/volume/xattrs.h"
#include "kms/base/log.h"

namespace enfold {

Result<Creation::MadeFile> Creation::file(const Spot& spot, mode_t mode, const Caller& caller) {
  const KeyCache::Making making = parts_.context.file_keys.making();
  // First of all, so that a KMS that does not answer leaves nothing behind.
  ENFOLD_TRY_ASSIGN(FileBody::NewFile prepared, FileBody::prepare(parts_.context));
  ENFOLD_TRY_ASSIGN(const NewMode wanted, new_mode(spot, mode, caller));
  auto made = [&] {
    const ExclusiveNames names(parts_.places.names());
    auto file = make_file(spot, wanted.bits & 0777U);  // without the set-id bits, which wait for the owner
    if (!file) drop_unused_sidecar(spot.link());
    return file;
  }();
  if (!made) return std::unexpected(std::move(made).error());
  auto body = fill_file(spot, *made, std::move(prepared), wanted, caller);
  if (body) return MadeFile{made->inode, parts_.open_files.open_created(made->inode, std::move(*body))};
  undo_file(*made);
  made->opening.unlock();
  parts_.places.forget(made->inode->number, 1);
  return std::unexpected(std::move(body).error());
}

Result<InodePtr> Creation::directory(const Spot& spot, mode_t mode, const Caller& caller) {
  const DirectoryId id = DirectoryId::random(parts_.context.entropy);
  const auto marker =
      encode_marker({parts_.context.keys.volume(), id, spot.directory_id}, parts_.context.keys.marker_mac());
  ENFOLD_TRY_ASSIGN(const NewMode wanted, new_mode(spot, mode, caller));
  const ExclusiveNames names(parts_.places.names());
  auto made = make_directory(spot, marker, wanted, caller);
  if (!made) {
    drop_unused_sidecar(spot.link());
    return made;
  }
  parts_.unsynced.made(spot.directory->lower, spot.lower.name, (*made)->lower);
  (*made)->set_directory_id(id);
  return made;
}

Result<InodePtr> Creation::special(const Spot& spot, Special special, mode_t mode, const Caller& caller) {
  special.file = FileId::random(parts_.context.entropy);
  const Bytes content = seal_special(special, parts_.context.keys, parts_.context.entropy);
  // Nobody sees the mode of a symlink.
  ENFOLD_TRY_ASSIGN(const NewMode wanted, special.kind == SpecialKind::kSymlink
                                              ? Result<NewMode>(NewMode{mode, false})
                                              : new_mode(spot, mode, caller));
  const ExclusiveNames names(parts_.places.names());
  auto made = make_special(spot, content, wanted, caller);
  if (!made) {
    drop_unused_sidecar(spot.link());
    return made;
  }
  parts_.unsynced.made(spot.directory->lower, spot.lower.name, (*made)->lower);
  (*made)->set_special(std::make_shared<const Special>(std::move(special)));
  return made;
}

Result<InodePtr> Creation::link(const InodePtr& inode, const Spot& spot) {
  if (inode->is_directory()) return system_error(EPERM, "link of a directory");
  // From here on the file has several names, and a sync of it that cannot know them all.
  ENFOLD_TRY(parts_.durable_first.sidecars(inode));
  if (!has_name_in(*inode, spot.directory)) ENFOLD_TRY(parts_.durable_first.path_to(spot.directory));
  const ExclusiveNames names(parts_.places.names());
  auto linked = make_link(inode, spot);
  if (!linked) drop_unused_sidecar(spot.link());
  return linked;
}

bool Creation::has_name_in(const Inode& inode, const InodePtr& directory) const {
  for (std::size_t index = 0;; ++index) {
    const auto link = parts_.table.place(inode, index).link;
    if (!link || link->parent == directory) return link.has_value();
  }
}

Result<Creation::NewMode> Creation::new_mode(const Spot& spot, mode_t mode, const Caller& caller) {
  ENFOLD_TRY_ASSIGN(const bool inherits, has_default_acl(spot.directory));
  return NewMode{mode & 07777U & ~(inherits ? 0U : caller.umask), inherits};
}

Result<bool> Creation::has_default_acl(const InodePtr& directory) {
  if (const auto known = directory->has_default_acl()) return *known;
  ENFOLD_TRY_ASSIGN(const SharedFd fd, parts_.places.resolve(directory));
  const auto acl = parts_.context.files.get_xattr(fd->get(), std::string(kDefaultAcl));
  if (!acl && !has_errno(acl.error(), ENODATA) && !has_errno(acl.error(), EOPNOTSUPP))
    return std::unexpected(acl.error());
  directory->set_has_default_acl(acl.has_value());
  return acl.has_value();
}

Result<SharedFd> Creation::prepare(const Spot& spot) {
  ENFOLD_TRY_ASSIGN(SharedFd parent, parts_.places.directory(spot.directory));
  ENFOLD_TRY(parts_.directories.make_sidecar(spot, parent->get()));
  return parent;
}

Result<Creation::Lower> Creation::open_new(const Spot& spot, mode_t mode) {
  ENFOLD_TRY_ASSIGN(SharedFd parent, prepare(spot));
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
  Files& files = parts_.context.files;
  const bool quietly = owns_what_it_makes_;
  auto fd = files.open_at(parent->get(), spot.lower.name, kFlags | (quietly ? O_NOATIME : 0), mode);
  // A lower filesystem that gives new files to somebody else (NFS with all_squash, SSHFS, CIFS) makes the
  // file and then refuses O_NOATIME. One that was there before is EEXIST.
  if (quietly && !fd && has_errno(fd.error(), EPERM)) {
    std::ignore = files.unlink_at(parent->get(), spot.lower.name, 0);
    fd = files.open_at(parent->get(), spot.lower.name, kFlags, mode);
    if (fd) owns_what_it_makes_ = false;
  }
  if (!fd) return std::unexpected(std::move(fd).error());
  return Lower{std::move(parent), share(std::move(*fd))};
}

// Makes the inode, too: whoever finds the name waits at `opening` until the file is finished.
Result<Creation::NewFile> Creation::make_file(const Spot& spot, mode_t mode) {
  ENFOLD_TRY_ASSIGN(Lower lower, open_new(spot, mode));
  auto status = parts_.context.files.stat_at(lower.fd->get(), "");
  if (status) {
    auto [inode, opening] = parts_.table.remember_new(lower_id_of(*status), spot.link());
    if (inode) {
      parts_.unsynced.begun(spot.directory->lower, spot.lower.name, inode->lower);
      return NewFile{std::move(lower), std::move(inode), std::move(opening)};
    }
  }
  undo(spot.link(), 0);
  if (!status) return std::unexpected(std::move(status).error());
  return system_error(ESTALE, "the new lower file has the identity of one in use");
}

Result<InodePtr> Creation::make_special(const Spot& spot, ByteSpan content, NewMode mode,
                                        const Caller& caller) {
  ENFOLD_TRY_ASSIGN(const Lower lower, open_new(spot, mode.bits & 0777U));
  auto entered = fill_special(spot, lower, content, mode, caller);
  if (!entered) undo(spot.link(), 0);
  return entered;
}

Result<InodePtr> Creation::make_directory(const Spot& spot, ByteSpan marker, NewMode mode,
                                          const Caller& caller) {
  Files& files = parts_.context.files;
  ENFOLD_TRY_ASSIGN(const SharedFd parent, prepare(spot));
  ENFOLD_TRY(files.make_directory_at(parent->get(), spot.lower.name, (mode.bits & 0777U) | 0700U));
  auto made = files.open_at(parent->get(), spot.lower.name, O_PATH | O_NOFOLLOW | O_DIRECTORY, 0);
  if (!made) {
    undo(spot.link(), AT_REMOVEDIR);
    return std::unexpected(std::move(made).error());
  }
  const Lower lower{parent, share(std::move(*made))};
  auto entered = fill_directory(spot, lower, marker, mode, caller);
  if (entered) return entered;
  std::ignore = files.unlink_at(lower.fd->get(), std::string(kMarkerName), 0);
  undo(spot.link(), AT_REMOVEDIR);
  return entered;
}

Result<InodePtr> Creation::make_link(const InodePtr& inode, const Spot& spot) {
  ENFOLD_TRY_ASSIGN(const SharedFd fd, parts_.places.descriptor(inode));
  ENFOLD_TRY_ASSIGN(const SharedFd parent, parts_.places.directory(spot.directory));
  ENFOLD_TRY(parts_.directories.make_durable_sidecar(spot, parent->get()));
  ENFOLD_TRY(parts_.context.files.link_at(fd->get(), parent->get(), spot.lower.name));
  parts_.unsynced.linked(spot.directory->lower, spot.lower.name, inode->lower);
  if (parts_.context.epochs.recovering()) parts_.recovery.moved(inode->lower, spot.link());
  parts_.moved_objects.note(spot.link());
  return parts_.table.remember(inode->lower, spot.link());
}

Result<InodePtr> Creation::fill_special(const Spot& spot, const Lower& lower, ByteSpan content, NewMode mode,
                                        const Caller& caller) {
  ENFOLD_TRY(write_full(parts_.context.files, lower.fd->get(), content, 0));
  ENFOLD_TRY(give(lower, mode, caller));
  return enter(spot, lower);
}

Result<InodePtr> Creation::fill_directory(const Spot& spot, const Lower& lower, ByteSpan marker, NewMode mode,
                                          const Caller& caller) {
  {
    const LentMode lent(parts_.context.files, lower.fd->get(), S_IRWXU);  // a default ACL may deny it to us
    ENFOLD_TRY(write_new_marker(parts_.context.files, lower.fd->get(), marker));
  }
  ENFOLD_TRY(give(lower, mode, caller));
  return enter(spot, lower);
}

Result<InodePtr> Creation::enter(const Spot& spot, const Lower& lower) {
  ENFOLD_TRY_ASSIGN(const StatX made, parts_.context.files.stat_at(lower.fd->get(), ""));
  return parts_.table.remember(lower_id_of(made), spot.link());
}

// What could be neither finished nor taken away is left to the next mount's recovery.
void Creation::undo(const Link& link, int flags) {
  auto undone = [&]() -> Result<void> {
    ENFOLD_TRY_ASSIGN(const SharedFd parent, parts_.places.directory(link.parent));
    return parts_.context.files.unlink_at(parent->get(), link.lower_name, flags);
  }();
  if (undone || has_errno(undone.error(), ENOENT)) return;
  log_error("half-made lower entry " + link.lower_name + ": " + describe(undone.error()));
  parts_.context.epochs.sync_failed(undone.error());
}

void Creation::drop_unused_sidecar(const Link& link) {
  auto parent = parts_.places.directory(link.parent);
  if (!parent) return;
  auto entry = parts_.context.files.stat_at((*parent)->get(), link.lower_name);
  if (!entry && has_errno(entry.error(), ENOENT)) parts_.directories.remove_sidecar(link, (*parent)->get());
}

Result<std::shared_ptr<FileBody>> Creation::fill_file(const Spot& spot, const NewFile& made,
                                                      FileBody::NewFile prepared, NewMode mode,
                                                      const Caller& caller) {
  ENFOLD_TRY_ASSIGN(Fd fd, parts_.context.files.duplicate(made.lower.fd->get()));
  ENFOLD_TRY_ASSIGN(auto body,
                    FileBody::create(parts_.context, std::move(prepared), std::move(fd), spot.directory_id));
  // After the header, since a write drops set-id bits unless root makes it.
  ENFOLD_TRY(give(made.lower, mode, caller));
  parts_.unsynced.written(made.inode->lower);
  return body;
}

// At each name that the file has by now.
void Creation::undo_file(const NewFile& made) {
  const ExclusiveNames names(parts_.places.names());
  while (const auto link = parts_.table.place(*made.inode, 0).link) {
    undo(*link, 0);
    drop_unused_sidecar(*link);
    parts_.table.unlinked(made.inode, *link, made.lower.fd);
  }
  parts_.unsynced.removed(made.inode->lower);
}

Result<void> Creation::give(const Lower& lower, NewMode mode, const Caller& caller) {
  Files& files = parts_.context.files;
  ENFOLD_TRY_ASSIGN(const StatX made, files.stat_at(lower.fd->get(), ""));
  ENFOLD_TRY_ASSIGN(const StatX parent, files.stat_at(lower.parent->get(), ""));
  const bool inherits_group = (parent.stx_mode & S_ISGID) != 0;
  mode_t wanted = mode.bits;
  // The mode bits of an ACL are a part of it; a directory was made with more for its owner than was asked
  // for.
  if (mode.inherits) wanted &= (made.stx_mode & 0777U) | 07000U;
  if (inherits_group && S_ISDIR(made.stx_mode)) wanted |= S_ISGID;
  const gid_t gid = inherits_group ? parent.stx_gid : caller.gid;
  // Only root can give away; to an ordinary user's files the lower filesystem gives owner and group.
  const bool is_given = ::geteuid() == 0 && (made.stx_uid != caller.uid || made.stx_gid != gid);
  if (is_given) ENFOLD_TRY(files.set_owner(lower.fd->get(), caller.uid, gid));
  // A change of owner drops set-id bits, and the process's umask may have dropped others.
  if (!is_given && (made.stx_mode & 07777U) == wanted) return {};
  return files.set_mode(lower.fd->get(), wanted);
}

}  // namespace enfold
