#include <sys/stat.h>

#include <cerrno>

#include "fs/mount/channel.h"
#include "fs/mount/operations.h"

namespace enfold::ops {
namespace {

timespec now() { return {.tv_sec = 0, .tv_nsec = UTIME_NOW}; }

AttributeChanges changes_of(const struct stat& wanted, int which) {
  AttributeChanges out;
  if ((which & FUSE_SET_ATTR_MODE) != 0) out.mode = wanted.st_mode;
  if ((which & FUSE_SET_ATTR_UID) != 0) out.uid = wanted.st_uid;
  if ((which & FUSE_SET_ATTR_GID) != 0) out.gid = wanted.st_gid;
  if ((which & FUSE_SET_ATTR_SIZE) != 0) out.length = static_cast<std::uint64_t>(wanted.st_size);
  if ((which & FUSE_SET_ATTR_ATIME) != 0) out.access_time = wanted.st_atim;
  if ((which & FUSE_SET_ATTR_MTIME) != 0) out.modification_time = wanted.st_mtim;
  if ((which & FUSE_SET_ATTR_ATIME_NOW) != 0) out.access_time = now();
  if ((which & FUSE_SET_ATTR_MTIME_NOW) != 0) out.modification_time = now();
  return out;
}

// getxattr(2) and listxattr(2): size 0 asks how much there is.
void answer_value(fuse_req_t request, std::size_t size, ByteSpan value) {
  if (size == 0) {
    fuse_reply_xattr(request, value.size());
  } else if (value.size() > size) {
    fuse_reply_err(request, ERANGE);
  } else {
    fuse_reply_buf(request, reinterpret_cast<const char*>(value.data()), value.size());
  }
}

Result<void> drop_set_group_id(Volume& volume, fuse_ino_t inode) {
  ENFOLD_TRY_ASSIGN(const struct stat status, volume.attributes(inode));
  if ((status.st_mode & S_ISGID) == 0) return {};
  AttributeChanges changes;
  changes.mode = status.st_mode & ~mode_t{S_ISGID};
  ENFOLD_TRY(volume.set_attributes(inode, changes));
  return {};
}

}  // namespace

void getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info* /*info*/) {
  answer(request, "getattr", inode, tree(request).attributes(inode));
}

void setattr(fuse_req_t request, fuse_ino_t inode, struct stat* wanted, int which, fuse_file_info* /*info*/) {
  // A new owner or length by someone who may not keep these bits (linux/fuse.h: FATTR_KILL_SUIDGID). With a
  // new mode at hand that one decides.
  bool drops = (which & FUSE_SET_ATTR_KILL_SUID) != 0 && (which & FUSE_SET_ATTR_MODE) == 0;
  if (drops && !drop_set_id_bits(request, "setattr", inode)) return;
  answer(request, "setattr", inode, tree(request).set_attributes(inode, changes_of(*wanted, which)));
}

void statfs(fuse_req_t request, fuse_ino_t inode) {
  auto result = tree(request).filesystem();
  if (!result) return answer_error(request, "statfs", inode, result.error());
  fuse_reply_statfs(request, &*result);
}

void getxattr(fuse_req_t request, fuse_ino_t inode, const char* name, std::size_t size) {
  auto value = tree(request).get_xattr(inode, name);
  if (!value) return answer_error(request, "getxattr", inode, value.error());
  answer_value(request, size, *value);
}

void setxattr(fuse_req_t request, fuse_ino_t inode, const char* name, const char* value, std::size_t size,
              int flags) {
  Result<void> done = tree(request).set_xattr(inode, name, as_bytes({value, size}), flags);
  if (done && request_drops_set_group_id()) done = drop_set_group_id(tree(request), inode);
  answer(request, "setxattr", inode, done);
}

void listxattr(fuse_req_t request, fuse_ino_t inode, std::size_t size) {
  auto names = tree(request).list_xattrs(inode);
  if (!names) return answer_error(request, "listxattr", inode, names.error());
  std::string list;
  const bool sees_trusted = caller(request).uid == 0;  // who lacks CAP_SYS_ADMIN cannot read them (xattr(7))
  for (const std::string& name : *names)
    if (sees_trusted || !name.starts_with("trusted.")) list.append(name).push_back('\0');
  answer_value(request, size, as_bytes(list));
}

void removexattr(fuse_req_t request, fuse_ino_t inode, const char* name) {
  answer(request, "removexattr", inode, tree(request).remove_xattr(inode, name));
}

}  // namespace enfold::ops
