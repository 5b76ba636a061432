// A volume without a kernel: this plays the part of one. It walks paths, checks how a file was opened, and
// passes everything else on as it is, so that the volume itself has to refuse what is wrong.
#pragma once

#include <optional>
#include <vector>

#include "tests/conformance/filesystem.h"
#include "tests/conformance/path_walk.h"
#include "tests/volume/tree_support.h"

namespace enfold {

class VolumeFilesystem : public Filesystem {
 public:
  VolumeFilesystem() = default;
  VolumeFilesystem(const VolumeFilesystem&) = delete;
  VolumeFilesystem& operator=(const VolumeFilesystem&) = delete;
  ~VolumeFilesystem() override;

  void set_umask(mode_t mask) override { umask_ = mask; }
  void remount() override;

  Result<void> mkdir(const std::string& path, mode_t mode) override;
  Result<void> mknod(const std::string& path, mode_t mode, dev_t device) override;
  Result<void> symlink(const std::string& target, const std::string& path) override;
  Result<void> link(const std::string& from, const std::string& to) override;
  Result<void> unlink(const std::string& path) override;
  Result<void> rmdir(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to, unsigned flags) override;
  Result<std::string> readlink(const std::string& path) override;
  Result<std::map<std::string, mode_t>> list(const std::string& path) override;

  Result<void> open(Slot slot, const std::string& path, int flags, mode_t mode) override;
  Result<void> close(Slot slot) override;
  Result<std::string> read(Slot slot, std::uint64_t offset, std::size_t size) override;
  Result<void> write(Slot slot, std::uint64_t offset, std::string_view data) override;
  Result<void> allocate(Slot slot, int mode, std::uint64_t offset, std::uint64_t length) override;
  Result<std::uint64_t> seek(Slot slot, std::uint64_t offset, int whence) override;
  Result<void> sync(Slot slot) override;
  Result<void> copy(Slot from, std::uint64_t from_offset, Slot to, std::uint64_t to_offset,
                    std::size_t size) override;

  Result<struct stat> lstat(const std::string& path) override;
  Result<struct stat> stat(const std::string& path) override;
  Result<struct stat> fstat(Slot slot) override;
  Result<void> truncate(const std::string& path, std::uint64_t length) override;
  Result<void> ftruncate(Slot slot, std::uint64_t length) override;
  Result<void> chmod(const std::string& path, mode_t mode) override;
  Result<void> fchmod(Slot slot, mode_t mode) override;
  Result<void> lchown(const std::string& path, uid_t uid, gid_t gid) override;
  Result<void> fchown(Slot slot, uid_t uid, gid_t gid) override;
  Result<void> set_times(const std::string& path, const Times& times) override;
  Result<void> set_times(Slot slot, const Times& times) override;

  Result<std::string> get_xattr(const std::string& path, const std::string& name) override;
  Result<void> set_xattr(const std::string& path, const std::string& name, std::string_view value,
                         int flags) override;
  Result<void> remove_xattr(const std::string& path, const std::string& name) override;
  Result<std::set<std::string>> list_xattrs(const std::string& path) override;

  // For walk_path().
  static InodeNumber root() { return kRootInode; }
  mode_t type(InodeNumber inode) { return inode == kRootInode ? S_IFDIR : types_.at(inode); }
  Result<std::optional<InodeNumber>> child(InodeNumber parent, const std::string& name);
  Result<std::string> target(InodeNumber inode) { return tree().read_link(inode); }

 private:
  using Walk = Walked<InodeNumber>;
  struct OpenFile {
    InodeNumber inode = 0;  // looked up once for it
    int flags = 0;
    std::unique_ptr<FileHandle> file;
    std::unique_ptr<DirectoryHandle> directory;
  };

  Volume& tree() { return world_.tree(); }
  [[nodiscard]] Caller caller() const;
  Result<Walk> walk(const std::string& path, bool follows_last = false);
  Result<InodeNumber> inode_at(const std::string& path, bool follows_last = false);
  Result<OpenFile*> opened(Slot slot);
  Result<FileHandle*> opened_for(Slot slot, int mode);
  Result<void> create(Slot slot, const Walk& at, int flags, mode_t mode);
  Result<void> check_open(const Walk& at, int flags);
  Result<void> made(const Result<Entry>& entry);
  Result<void> set(InodeNumber inode, const AttributeChanges& changes);
  Result<InodeNumber> inode_for_xattr(const std::string& path, const std::string& name, int errno_elsewhere);
  void forget_looked_up();

  TreeWorld world_;
  mode_t umask_ = 0;
  std::map<Slot, OpenFile> open_;
  std::vector<InodeNumber> looked_up_;  // by the walk of one call, and given back by the next
  std::map<InodeNumber, mode_t> types_;
};

// While it lives this process is an ordinary user, where it was root.
class OrdinaryUser {
 public:
  OrdinaryUser();
  OrdinaryUser(const OrdinaryUser&) = delete;
  OrdinaryUser& operator=(const OrdinaryUser&) = delete;
  ~OrdinaryUser();

 private:
  bool was_root_;
};

// A volume that an ordinary user has open: the lower filesystem refuses and drops what it does not for root.
class UserVolume final : private OrdinaryUser, public VolumeFilesystem {};

}  // namespace enfold
