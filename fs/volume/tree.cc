#include <linux/fs.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "fs/volume/attributes.h"
#include "fs/volume/creation.h"
#include "fs/volume/file_body.h"
#include "fs/volume/lower_files.h"
#include "fs/volume/rekey_pass.h"
#include "fs/volume/removal.h"
#include "fs/volume/tree_parts.h"
#include "fs/volume/volume.h"
#include "fs/volume/xattrs.h"

namespace enfold {
namespace {

// Keeps its inode known as long as it is open.
class Listing final : public DirectoryHandle {
 public:
  Listing(TreeParts& parts, InodePtr inode) : parts_(parts), inode_(std::move(inode)) {
    parts_.table.pin(*inode_);
  }
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;
  ~Listing() override { parts_.places.unpin(inode_); }

  Result<const std::vector<DirectoryEntry>*> entries(bool rewind) override {
    if (rewind || !is_taken_) {
      ENFOLD_TRY_ASSIGN(entries_, parts_.directories.list(inode_));
      if (parts_.context.epochs.recovering()) parts_.recovery.leave_out_lost(inode_, entries_);
      is_taken_ = true;
    }
    return &entries_;
  }

  Result<mode_t> type_of(const DirectoryEntry& entry) override {
    return parts_.directories.type_of(inode_, entry);
  }

  Result<void> sync() override { return parts_.durable_first.directory(inode_); }

 private:
  TreeParts& parts_;
  InodePtr inode_;
  std::vector<DirectoryEntry> entries_;
  bool is_taken_ = false;
};

// Volume's calls, each put together from the parts that know how.
class Tree final : public Volume {
 public:
  // `root` is the lower directory, and `root_id` who it is.
  Tree(VolumeContext& context, SharedFd root, const LowerId& root_id)
      : root_(root),
        parts_(context, root_id, std::move(root)),
        attributes_(parts_),
        creation_(parts_),
        removal_(parts_),
        xattrs_(parts_) {}

  Result<Entry> lookup(InodeNumber parent, std::string_view name) override;
  Result<Entry> lookup_listed(InodeNumber parent, const DirectoryEntry& entry) override;
  void forget(InodeNumber inode, std::uint64_t lookups) override;

  Result<struct stat> attributes(InodeNumber inode) override;
  Result<struct stat> set_attributes(InodeNumber inode, const AttributeChanges& changes) override;
  Result<std::string> read_link(InodeNumber inode) override;

  Result<Entry> make_directory(InodeNumber parent, std::string_view name, mode_t mode,
                               const Caller& caller) override;
  Result<Entry> make_symlink(InodeNumber parent, std::string_view name, std::string_view target,
                             const Caller& caller) override;
  Result<Entry> make_node(InodeNumber parent, std::string_view name, mode_t mode, dev_t device,
                          const Caller& caller) override;
  Result<void> unlink(InodeNumber parent, std::string_view name) override;
  Result<void> remove_directory(InodeNumber parent, std::string_view name) override;
  Result<void> rename(InodeNumber parent, std::string_view name, InodeNumber new_parent,
                      std::string_view new_name, unsigned flags) override;
  Result<Entry> link(InodeNumber inode, InodeNumber new_parent, std::string_view new_name) override;

  Result<Created> create(InodeNumber parent, std::string_view name, mode_t mode,
                         const Caller& caller) override;
  Result<std::unique_ptr<FileHandle>> open_file(InodeNumber inode, int flags) override;
  Result<std::unique_ptr<DirectoryHandle>> open_directory(InodeNumber inode) override;

  Result<struct statvfs> filesystem() override;
  bool has_acls() override;
  void checkpointed() override { parts_.unsynced.drop_durable(); }
  Result<bool> recover(const std::atomic<bool>& stop) override;
  Result<bool> repair_marker(InodeNumber directory) override;
  std::unique_ptr<RekeyPass> rekey(unsigned jobs, RekeyObserver& observer) override;

  Result<Bytes> get_xattr(InodeNumber inode, const std::string& name) override;
  Result<void> set_xattr(InodeNumber inode, const std::string& name, ByteSpan value, int flags) override;
  Result<std::vector<std::string>> list_xattrs(InodeNumber inode) override;
  Result<void> remove_xattr(InodeNumber inode, const std::string& name) override;

 private:
  Result<InodePtr> find(InodeNumber number) const;
  Result<Spot> spot(InodeNumber parent, std::string_view name);
  // The same for a call that changes something.
  Result<InodePtr> find_for_change(InodeNumber number) const;
  Result<Spot> spot_for_change(InodeNumber parent, std::string_view name);
  Result<Entry> look_up(const Spot& at);
  // For an inode whose lookup was counted already.
  Result<Entry> entry(Result<InodePtr> inode);
  Result<Entry> finish(const InodePtr& inode, Result<struct stat> attributes);

  SharedFd root_;
  TreeParts parts_;
  Attributes attributes_;
  Creation creation_;
  Removal removal_;
  Xattrs xattrs_;
};

}  // namespace

Result<std::unique_ptr<Volume>> Volume::open(VolumeContext& context, Fd lower_root) {
  ENFOLD_TRY_ASSIGN(const StatX lower, context.files.stat_at(lower_root.get(), ""));
  if (!S_ISDIR(lower.stx_mode)) return system_error(ENOTDIR, "lower directory");
  return std::make_unique<Tree>(context, share(std::move(lower_root)), lower_id_of(lower));
}

Result<InodePtr> Tree::find(InodeNumber number) const {
  InodePtr inode = parts_.table.find(number);
  if (!inode) return system_error(ESTALE, "inode is not known");
  return inode;
}

Result<InodePtr> Tree::find_for_change(InodeNumber number) const {
  if (parts_.context.read_only) return system_error(EROFS, "volume is read-only");
  return find(number);
}

Result<Spot> Tree::spot(InodeNumber parent, std::string_view name) {
  ENFOLD_TRY_ASSIGN(const InodePtr directory, find(parent));
  return parts_.directories.spot(directory, name);
}

Result<Spot> Tree::spot_for_change(InodeNumber parent, std::string_view name) {
  ENFOLD_TRY_ASSIGN(const InodePtr directory, find_for_change(parent));
  return parts_.directories.spot(directory, name);
}

Result<Entry> Tree::entry(Result<InodePtr> inode) {
  if (!inode) return std::unexpected(std::move(inode).error());
  return finish(*inode, attributes_.of(*inode));
}

Result<Entry> Tree::finish(const InodePtr& inode, Result<struct stat> attributes) {
  if (attributes) return Entry{inode->number, *attributes};
  parts_.places.forget(inode->number, 1);
  return std::unexpected(std::move(attributes).error());
}

Result<Entry> Tree::lookup(InodeNumber parent, std::string_view name) {
  ENFOLD_TRY_ASSIGN(const Spot at, spot(parent, name));
  return look_up(at);
}

Result<Entry> Tree::lookup_listed(InodeNumber parent, const DirectoryEntry& entry) {
  ENFOLD_TRY_ASSIGN(const InodePtr directory, find(parent));
  return look_up(Spot{directory, {}, {entry.lower_name, {}}});
}

Result<Entry> Tree::look_up(const Spot& at) {
  const bool recovering = parts_.context.epochs.recovering();
  if (recovering) ENFOLD_TRY(parts_.recovery.before_lookup(at));
  InodePtr inode;
  StatX lower{};
  {
    const SharedNames names(parts_.places.names());
    ENFOLD_TRY_ASSIGN(const SharedFd dir, parts_.places.directory(at.directory));
    ENFOLD_TRY_ASSIGN(lower, parts_.context.files.stat_at(dir->get(), at.lower.name));
    ENFOLD_TRY_ASSIGN(const LowerId id, require_own(lower, at));
    inode = parts_.table.remember(id, at.link());
  }
  // A pass may just have been writing the header, and what was looked at is not what is.
  const bool is_quiet = !parts_.moved_objects.is_noting();
  if (!recovering && parts_.context.unsealed.empty())
    return finish(inode, is_quiet ? attributes_.of(inode, lower) : attributes_.of(inode));
  if (auto settled = parts_.recovery.after_lookup(inode); !settled)
    return finish(inode, std::unexpected(std::move(settled).error()));
  return finish(inode, attributes_.of(inode));
}

void Tree::forget(InodeNumber inode, std::uint64_t lookups) { parts_.places.forget(inode, lookups); }

Result<struct stat> Tree::attributes(InodeNumber number) {
  ENFOLD_TRY_ASSIGN(const InodePtr inode, find(number));
  return attributes_.of(inode);
}

Result<struct stat> Tree::set_attributes(InodeNumber number, const AttributeChanges& changes) {
  ENFOLD_TRY_ASSIGN(const InodePtr inode, find_for_change(number));
  ENFOLD_TRY(attributes_.set(inode, changes));
  return attributes_.of(inode);
}

Result<std::string> Tree::read_link(InodeNumber number) {
  ENFOLD_TRY_ASSIGN(const InodePtr inode, find(number));
  if (inode->lower.type != S_IFLNK) return system_error(EINVAL, "readlink");
  ENFOLD_TRY_ASSIGN(const std::shared_ptr<const Special> special, parts_.specials.load(inode));
  return special->target;
}

Result<Entry> Tree::make_directory(InodeNumber parent, std::string_view name, mode_t mode,
                                   const Caller& caller) {
  ENFOLD_TRY_ASSIGN(const Spot at, spot_for_change(parent, name));
  return entry(creation_.directory(at, mode, caller));
}

Result<Entry> Tree::make_symlink(InodeNumber parent, std::string_view name, std::string_view target,
                                 const Caller& caller) {
  if (target.empty()) return system_error(ENOENT, "symlink");
  if (target.size() > kMaxSymlinkTargetBytes) return system_error(ENAMETOOLONG, "symlink");
  ENFOLD_TRY_ASSIGN(const Spot at, spot_for_change(parent, name));
  Special symlink;
  symlink.target = target;
  return entry(creation_.special(at, std::move(symlink), 0600, caller));
}

Result<Entry> Tree::make_node(InodeNumber parent, std::string_view name, mode_t mode, dev_t device,
                              const Caller& caller) {
  const mode_t type = mode & S_IFMT;
  if (type == S_IFREG) {
    ENFOLD_TRY_ASSIGN(Created created, create(parent, name, mode, caller));
    auto released = created.handle->release();
    if (released) return created.entry;
    forget(created.entry.inode, 1);
    return std::unexpected(std::move(released).error());
  }
  if (type != S_IFIFO && type != S_IFSOCK && type != S_IFCHR && type != S_IFBLK)
    return system_error(EINVAL, "mknod");
  ENFOLD_TRY_ASSIGN(const Spot at, spot_for_change(parent, name));
  Special node;
  node.kind = special_kind_of_type(type);
  if (type == S_IFCHR || type == S_IFBLK) {
    node.device_major = major(device);
    node.device_minor = minor(device);
  }
  return entry(creation_.special(at, std::move(node), mode, caller));
}

Result<void> Tree::unlink(InodeNumber parent, std::string_view name) {
  ENFOLD_TRY_ASSIGN(const Spot at, spot_for_change(parent, name));
  return removal_.unlink(at);
}

Result<void> Tree::remove_directory(InodeNumber parent, std::string_view name) {
  ENFOLD_TRY_ASSIGN(const Spot at, spot_for_change(parent, name));
  return removal_.remove_directory(at);
}

Result<void> Tree::rename(InodeNumber parent, std::string_view name, InodeNumber new_parent,
                          std::string_view new_name, unsigned flags) {
  if (flags != 0 && flags != RENAME_NOREPLACE && flags != RENAME_EXCHANGE)
    return system_error(EINVAL, "rename");
  ENFOLD_TRY_ASSIGN(const Spot from, spot_for_change(parent, name));
  ENFOLD_TRY_ASSIGN(const Spot to, spot_for_change(new_parent, new_name));
  return removal_.rename(from, to, flags);
}

Result<Entry> Tree::link(InodeNumber number, InodeNumber new_parent, std::string_view new_name) {
  ENFOLD_TRY_ASSIGN(const InodePtr inode, find_for_change(number));
  ENFOLD_TRY_ASSIGN(const Spot at, spot_for_change(new_parent, new_name));
  return entry(creation_.link(inode, at));
}

Result<Volume::Created> Tree::create(InodeNumber parent, std::string_view name, mode_t mode,
                                     const Caller& caller) {
  ENFOLD_TRY_ASSIGN(const Spot at, spot_for_change(parent, name));
  ENFOLD_TRY_ASSIGN(Creation::MadeFile file, creation_.file(at, mode, caller));
  ENFOLD_TRY_ASSIGN(const Entry made, entry(file.inode));
  return Created{made, std::move(file.handle)};
}

Result<std::unique_ptr<FileHandle>> Tree::open_file(InodeNumber number, int flags) {
  const Access access{.writes = (flags & O_ACCMODE) != O_RDONLY,
                      .maps = (flags & O_ACCMODE) == O_RDWR,
                      .keeps_access_time = (flags & O_NOATIME) != 0};
  ENFOLD_TRY_ASSIGN(const InodePtr inode, access.writes ? find_for_change(number) : find(number));
  // One that does not verify shows as a regular file.
  if (inode->is_special()) ENFOLD_TRY(parts_.specials.load(inode));
  return parts_.open_files.open(inode, access);
}

Result<std::unique_ptr<DirectoryHandle>> Tree::open_directory(InodeNumber number) {
  ENFOLD_TRY_ASSIGN(const InodePtr inode, find(number));
  if (!inode->is_directory()) return system_error(ENOTDIR, "opendir");
  return std::make_unique<Listing>(parts_, inode);
}

Result<struct statvfs> Tree::filesystem() {
  ENFOLD_TRY_ASSIGN(struct statvfs lower, parts_.context.files.stat_filesystem(root_->get()));
  lower.f_namemax = kMaxNameBytes;
  return lower;
}

bool Tree::has_acls() {
  const auto acl = parts_.context.files.get_xattr(root_->get(), std::string(kAccessAcl));
  return acl || has_errno(acl.error(), ENODATA);
}

Result<bool> Tree::recover(const std::atomic<bool>& stop) { return parts_.recovery.run(stop); }

std::unique_ptr<RekeyPass> Tree::rekey(unsigned jobs, RekeyObserver& observer) {
  return std::make_unique<RekeyPass>(parts_, jobs, observer);
}

Result<bool> Tree::repair_marker(InodeNumber number) {
  ENFOLD_TRY_ASSIGN(const InodePtr directory, find_for_change(number));
  return parts_.directories.repair_marker(directory);
}

Result<Bytes> Tree::get_xattr(InodeNumber number, const std::string& name) {
  ENFOLD_TRY_ASSIGN(const InodePtr inode, find(number));
  return xattrs_.get(inode, name);
}

Result<void> Tree::set_xattr(InodeNumber number, const std::string& name, ByteSpan value, int flags) {
  ENFOLD_TRY_ASSIGN(const InodePtr inode, find_for_change(number));
  return xattrs_.set(inode, name, value, flags);
}

Result<std::vector<std::string>> Tree::list_xattrs(InodeNumber number) {
  ENFOLD_TRY_ASSIGN(const InodePtr inode, find(number));
  return xattrs_.list(inode);
}

Result<void> Tree::remove_xattr(InodeNumber number, const std::string& name) {
  ENFOLD_TRY_ASSIGN(const InodePtr inode, find_for_change(number));
  return xattrs_.remove(inode, name);
}

}  // namespace enfold
