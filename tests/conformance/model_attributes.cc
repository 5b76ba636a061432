// Attributes, xattrs and ACLs.
#include <cerrno>

#include "tests/conformance/model.h"

namespace enfold {
namespace {

bool is_acl(const std::string& name) { return name == kAccessAcl || name == kDefaultAcl; }

bool is_known_namespace(const std::string& name) {
  return name.starts_with("user.") || name.starts_with("trusted.") || name.starts_with("security.");
}

// xattr(7): user.* is for regular files and directories; writing says EPERM, reading that there is none.
Result<void> check_xattr(const ModelNode& node, const std::string& name, int errno_elsewhere) {
  if (name.size() > 255) return system_error(ERANGE, "xattr");
  const bool takes_user = S_ISREG(node.mode) || S_ISDIR(node.mode);
  if (name.starts_with("user.") && !takes_user) return system_error(errno_elsewhere, "xattr");
  const bool is_supported = is_acl(name) ? !S_ISLNK(node.mode) : is_known_namespace(name);
  return is_supported ? Result<void>{} : system_error(EOPNOTSUPP, "xattr");
}

}  // namespace

struct stat Model::status_of(const ModelNode& node) {
  struct stat out {};
  out.st_ino = node.number;
  out.st_mode = node.mode;
  out.st_nlink = node.links;
  out.st_uid = node.uid;
  out.st_gid = node.gid;
  out.st_rdev = node.device;
  out.st_size = static_cast<off_t>(S_ISLNK(node.mode) ? node.target.size() : node.content.size());
  out.st_atim = node.accessed;
  out.st_mtim = node.modified;
  out.st_ctim = node.changed;
  return out;
}

Result<struct stat> Model::lstat(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const ModelNodePtr node, node_at(path));
  return status_of(*node);
}

Result<struct stat> Model::stat(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const ModelNodePtr node, node_at(path, true));
  return status_of(*node);
}

Result<struct stat> Model::fstat(Slot slot) {
  ENFOLD_TRY_ASSIGN(const OpenFile file, opened(slot));
  return status_of(*file.node);
}

void Model::set_mode(ModelNode& node, mode_t mode) {
  node.mode = (node.mode & S_IFMT) | (mode & 07777);
  if (node.access_acl) change_mode(*node.access_acl, mode);
  node.changed = now();
}

Result<void> Model::chmod(const std::string& path, mode_t mode) {
  ENFOLD_TRY_ASSIGN(const ModelNodePtr node, node_at(path, true));
  set_mode(*node, mode);
  return {};
}

Result<void> Model::fchmod(Slot slot, mode_t mode) {
  ENFOLD_TRY_ASSIGN(const OpenFile file, opened(slot));
  set_mode(*file.node, mode);
  return {};
}

// chown(2): set-id bits of all but directories go, S_ISGID only where the group may execute.
void Model::set_owner(ModelNode& node, uid_t uid, gid_t gid) {
  if (uid != static_cast<uid_t>(-1)) node.uid = uid;
  if (gid != static_cast<gid_t>(-1)) node.gid = gid;
  if (!S_ISDIR(node.mode)) {
    node.mode &= ~mode_t{S_ISUID};
    if ((node.mode & S_IXGRP) != 0) node.mode &= ~mode_t{S_ISGID};
  }
  node.changed = now();
}

Result<void> Model::lchown(const std::string& path, uid_t uid, gid_t gid) {
  ENFOLD_TRY_ASSIGN(const ModelNodePtr node, node_at(path));
  set_owner(*node, uid, gid);
  return {};
}

Result<void> Model::fchown(Slot slot, uid_t uid, gid_t gid) {
  ENFOLD_TRY_ASSIGN(const OpenFile file, opened(slot));
  set_owner(*file.node, uid, gid);
  return {};
}

void Model::set_times(ModelNode& node, const Times& times) {
  const timespec current = now();
  if (times[0].tv_nsec != UTIME_OMIT) node.accessed = times[0].tv_nsec == UTIME_NOW ? current : times[0];
  if (times[1].tv_nsec != UTIME_OMIT) node.modified = times[1].tv_nsec == UTIME_NOW ? current : times[1];
  if (times[0].tv_nsec != UTIME_OMIT || times[1].tv_nsec != UTIME_OMIT) node.changed = current;
}

Result<void> Model::set_times(const std::string& path, const Times& times) {
  if (sets_nothing(times)) return {};
  ENFOLD_TRY_ASSIGN(const ModelNodePtr node, node_at(path));
  set_times(*node, times);
  return {};
}

Result<void> Model::set_times(Slot slot, const Times& times) {
  ENFOLD_TRY_ASSIGN(const OpenFile file, opened(slot));
  set_times(*file.node, times);
  return {};
}

Result<std::string> Model::get_xattr(const std::string& path, const std::string& name) {
  ENFOLD_TRY_ASSIGN(const ModelNodePtr node, node_at(path));
  ENFOLD_TRY(check_xattr(*node, name, ENODATA));
  if (is_acl(name)) {
    const std::optional<Acl>& acl = name == kAccessAcl ? node->access_acl : node->default_acl;
    if (!acl) return system_error(ENODATA, "getxattr");
    return encode_acl(*acl);
  }
  const auto found = node->xattrs.find(name);
  if (found == node->xattrs.end()) return system_error(ENODATA, "getxattr");
  return found->second;
}

Result<void> Model::set_acl(ModelNode& node, const std::string& name, std::string_view value) {
  const std::optional<Acl> acl = decode_acl(value);
  if (!acl) return system_error(EINVAL, "ACL");
  if (name == kDefaultAcl) {
    if (!S_ISDIR(node.mode)) return system_error(EACCES, "default ACL");
    node.default_acl = acl;
  } else {
    node.mode = (node.mode & ~mode_t{0777}) | mode_of(*acl);
    node.access_acl = is_only_mode(*acl) ? std::nullopt : acl;
  }
  node.changed = now();
  return {};
}

Result<void> Model::set_xattr(const std::string& path, const std::string& name, std::string_view value,
                              int flags) {
  ENFOLD_TRY_ASSIGN(const ModelNodePtr node, node_at(path));
  ENFOLD_TRY(check_xattr(*node, name, EPERM));
  if (is_acl(name)) return set_acl(*node, name, value);
  const bool is_there = node->xattrs.contains(name);
  if (flags == XATTR_CREATE && is_there) return system_error(EEXIST, "setxattr");
  if (flags == XATTR_REPLACE && !is_there) return system_error(ENODATA, "setxattr");
  node->xattrs[name] = value;
  node->changed = now();
  return {};
}

Result<void> Model::remove_xattr(const std::string& path, const std::string& name) {
  ENFOLD_TRY_ASSIGN(const ModelNodePtr node, node_at(path));
  ENFOLD_TRY(check_xattr(*node, name, EPERM));
  if (is_acl(name)) {
    // Linux: what is not there is removed already.
    (name == kAccessAcl ? node->access_acl : node->default_acl).reset();
  } else if (node->xattrs.erase(name) == 0) {
    return system_error(ENODATA, "removexattr");
  }
  node->changed = now();
  return {};
}

Result<std::set<std::string>> Model::list_xattrs(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const ModelNodePtr node, node_at(path));
  std::set<std::string> names;
  for (const auto& [name, value] : node->xattrs) names.insert(name);
  if (node->access_acl) names.insert(kAccessAcl);
  if (node->default_acl) names.insert(kDefaultAcl);
  return names;
}

}  // namespace enfold
