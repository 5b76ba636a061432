// The tree of an open volume: Volume's calls, each put together from the parts that know how.
#pragma once

#include "fs/volume/attributes.h"
#include "fs/volume/creation.h"
#include "fs/volume/removal.h"
#include "fs/volume/tree_parts.h"
#include "fs/volume/volume.h"
#include "fs/volume/xattrs.h"

namespace enfold {

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

}  // namespace enfold
