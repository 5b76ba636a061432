#include <cerrno>

#include "tests/conformance/acl.h"
#include "tests/conformance/volume_filesystem.h"

namespace enfold {

Result<struct stat> VolumeFilesystem::lstat(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, inode_at(path));
  return tree().attributes(inode);
}

Result<struct stat> VolumeFilesystem::stat(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, inode_at(path, true));
  return tree().attributes(inode);
}

Result<struct stat> VolumeFilesystem::fstat(Slot slot) {
  ENFOLD_TRY_ASSIGN(const OpenFile* file, opened(slot));
  return tree().attributes(file->inode);
}

Result<void> VolumeFilesystem::set(InodeNumber inode, const AttributeChanges& changes) {
  ENFOLD_TRY(tree().set_attributes(inode, changes));
  return {};
}

Result<void> VolumeFilesystem::truncate(const std::string& path, std::uint64_t length) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, inode_at(path, true));
  AttributeChanges changes;
  changes.length = length;
  return set(inode, changes);
}

Result<void> VolumeFilesystem::ftruncate(Slot slot, std::uint64_t length) {
  ENFOLD_TRY_ASSIGN(const OpenFile* file, opened(slot));
  if ((file->flags & O_ACCMODE) == O_RDONLY) return system_error(EINVAL, "ftruncate");
  AttributeChanges changes;
  changes.length = length;
  return set(file->inode, changes);
}

Result<void> VolumeFilesystem::chmod(const std::string& path, mode_t mode) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, inode_at(path, true));
  AttributeChanges changes;
  changes.mode = mode;
  return set(inode, changes);
}

Result<void> VolumeFilesystem::fchmod(Slot slot, mode_t mode) {
  ENFOLD_TRY_ASSIGN(const OpenFile* file, opened(slot));
  AttributeChanges changes;
  changes.mode = mode;
  return set(file->inode, changes);
}

namespace {

AttributeChanges owner_changes(uid_t uid, gid_t gid) {
  AttributeChanges changes;
  if (uid != static_cast<uid_t>(-1)) changes.uid = uid;
  if (gid != static_cast<gid_t>(-1)) changes.gid = gid;
  return changes;
}

AttributeChanges time_changes(const Times& times) {
  AttributeChanges changes;
  if (times[0].tv_nsec != UTIME_OMIT) changes.access_time = times[0];
  if (times[1].tv_nsec != UTIME_OMIT) changes.modification_time = times[1];
  return changes;
}

}  // namespace

Result<void> VolumeFilesystem::lchown(const std::string& path, uid_t uid, gid_t gid) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, inode_at(path));
  return set(inode, owner_changes(uid, gid));
}

Result<void> VolumeFilesystem::fchown(Slot slot, uid_t uid, gid_t gid) {
  ENFOLD_TRY_ASSIGN(const OpenFile* file, opened(slot));
  return set(file->inode, owner_changes(uid, gid));
}

Result<void> VolumeFilesystem::set_times(const std::string& path, const Times& times) {
  if (sets_nothing(times)) return {};
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, inode_at(path));
  return set(inode, time_changes(times));
}

Result<void> VolumeFilesystem::set_times(Slot slot, const Times& times) {
  ENFOLD_TRY_ASSIGN(const OpenFile* file, opened(slot));
  return set(file->inode, time_changes(times));
}

// xattr_permission() in the kernel's fs/xattr.c.
Result<InodeNumber> VolumeFilesystem::inode_for_xattr(const std::string& path, const std::string& name,
                                                      int errno_elsewhere) {
  if (name.size() > 255) return system_error(ERANGE, "xattr");
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, inode_at(path));
  const mode_t kind = type(inode);
  if (name.starts_with("user.") && kind != S_IFREG && kind != S_IFDIR)
    return system_error(errno_elsewhere, "xattr");
  return inode;
}

Result<std::string> VolumeFilesystem::get_xattr(const std::string& path, const std::string& name) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, inode_for_xattr(path, name, ENODATA));
  ENFOLD_TRY_ASSIGN(const Bytes value, tree().get_xattr(inode, name));
  return as_string(value);
}

Result<void> VolumeFilesystem::set_xattr(const std::string& path, const std::string& name,
                                         std::string_view value, int flags) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, inode_for_xattr(path, name, EPERM));
  return tree().set_xattr(inode, name, as_bytes(value), flags);
}

Result<void> VolumeFilesystem::remove_xattr(const std::string& path, const std::string& name) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, inode_for_xattr(path, name, EPERM));
  return tree().remove_xattr(inode, name);
}

Result<std::set<std::string>> VolumeFilesystem::list_xattrs(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, inode_at(path));
  ENFOLD_TRY_ASSIGN(const std::vector<std::string> names, tree().list_xattrs(inode));
  return std::set<std::string>(names.begin(), names.end());
}

}  // namespace enfold
