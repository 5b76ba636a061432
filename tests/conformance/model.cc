// Names: what is made, linked, renamed and removed.
#include "tests/conformance/model.h"

#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <tuple>

namespace enfold {
namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxTarget = 4095;

bool is_directory(const ModelNodePtr& node) { return S_ISDIR(node->mode); }

bool is_above(const ModelNodePtr& node, ModelNodePtr below) {
  for (; below; below = below->parent.lock())
    if (below == node) return true;
  return false;
}

}  // namespace

Model::Model() {
  root_ = std::make_shared<ModelNode>();
  root_->number = next_number_++;
  root_->mode = S_IFDIR | 0755;
  root_->links = 2;
  root_->accessed = root_->modified = root_->changed = now();
}

// Never the same twice.
timespec Model::now() {
  timespec time{};
  std::ignore = ::clock_gettime(CLOCK_REALTIME, &time);
  if (time.tv_sec == last_.tv_sec && time.tv_nsec <= last_.tv_nsec) time.tv_nsec = last_.tv_nsec + 1;
  return last_ = time;
}

Result<std::optional<ModelNodePtr>> Model::child(const ModelNodePtr& node, const std::string& name) {
  if (name.size() > kMaxName) return system_error(ENAMETOOLONG, "lookup");
  const auto found = node->children.find(name);
  if (found == node->children.end()) return std::optional<ModelNodePtr>();
  return std::optional(found->second);
}

Result<Model::Walk> Model::walk(const std::string& path, bool follows_last) {
  return walk_path<ModelNodePtr>(*this, path, follows_last);
}

Result<ModelNodePtr> Model::node_at(const std::string& path, bool follows_last) {
  ENFOLD_TRY_ASSIGN(const Walk at, walk(path, follows_last));
  if (!at.found) return system_error(ENOENT, "path walk");
  return *at.found;
}

Result<Model::Walk> Model::place_for_new(const std::string& path) {
  ENFOLD_TRY_ASSIGN(Walk at, walk(path));
  if (at.found) return system_error(EEXIST, "new name");
  // A removed directory that somebody still has open takes no entries; here no path leads to one.
  return at;
}

void Model::enter(const Walk& at, const ModelNodePtr& node) {
  at.parent->children[at.name] = node;
  if (is_directory(node)) {
    node->parent = at.parent;
    ++at.parent->links;
  }
  at.parent->modified = at.parent->changed = now();
}

void Model::leave(const Walk& at) {
  if (is_directory(*at.found)) --at.parent->links;
  at.parent->children.erase(at.name);
  at.parent->modified = at.parent->changed = now();
}

// acl(5): with a default ACL in the directory the umask does not count.
ModelNodePtr Model::make(const Walk& at, mode_t mode) {
  auto node = std::make_shared<ModelNode>();
  node->number = next_number_++;
  node->uid = ::geteuid();
  node->gid = ::getegid();
  if (at.parent->default_acl && !S_ISLNK(mode)) {
    Acl acl = *at.parent->default_acl;
    inherit(acl, mode);
    if (!is_only_mode(acl)) node->access_acl = acl;
    if (S_ISDIR(mode)) node->default_acl = at.parent->default_acl;
  } else if (!S_ISLNK(mode)) {
    mode &= ~umask_;
  }
  if ((at.parent->mode & S_ISGID) != 0) {
    node->gid = at.parent->gid;
    if (S_ISDIR(mode)) mode |= S_ISGID;
  }
  node->mode = mode;
  node->accessed = node->modified = node->changed = now();
  if (S_ISDIR(mode)) node->links = 2;
  enter(at, node);
  return node;
}

Result<void> Model::mkdir(const std::string& path, mode_t mode) {
  ENFOLD_TRY_ASSIGN(const Walk at, place_for_new(path));
  // mkdir(2): of the bits beyond 0777 Linux takes the sticky one.
  make(at, S_IFDIR | (mode & 01777));
  return {};
}

Result<void> Model::mknod(const std::string& path, mode_t mode, dev_t device) {
  ENFOLD_TRY_ASSIGN(const Walk at, place_for_new(path));
  const ModelNodePtr node = make(at, mode);
  if (S_ISCHR(mode) || S_ISBLK(mode)) node->device = device;
  return {};
}

Result<void> Model::symlink(const std::string& target, const std::string& path) {
  if (target.empty()) return system_error(ENOENT, "symlink");
  if (target.size() > kMaxTarget) return system_error(ENAMETOOLONG, "symlink");
  ENFOLD_TRY_ASSIGN(const Walk at, place_for_new(path));
  make(at, S_IFLNK | 0777)->target = target;
  return {};
}

Result<void> Model::link(const std::string& from, const std::string& to) {
  ENFOLD_TRY_ASSIGN(const ModelNodePtr node, node_at(from));
  ENFOLD_TRY_ASSIGN(const Walk at, place_for_new(to));
  if (is_directory(node)) return system_error(EPERM, "link");
  enter(at, node);
  ++node->links;
  node->changed = now();
  return {};
}

Result<void> Model::unlink(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const Walk at, walk(path));
  if (!at.found) return system_error(ENOENT, "unlink");
  if (is_directory(*at.found)) return system_error(EISDIR, "unlink");
  leave(at);
  --(*at.found)->links;
  (*at.found)->changed = now();
  return {};
}

Result<void> Model::rmdir(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const Walk at, walk(path));
  if (!at.found) return system_error(ENOENT, "rmdir");
  if (!is_directory(*at.found)) return system_error(ENOTDIR, "rmdir");
  if (!(*at.found)->children.empty()) return system_error(ENOTEMPTY, "rmdir");
  leave(at);
  (*at.found)->links = 0;
  (*at.found)->changed = now();
  return {};
}

// In the order of do_renameat2() and vfs_rename() in the kernel's fs/namei.c.
Result<void> Model::check_rename(const Walk& source, const Walk& target, unsigned flags) {
  const bool exchanges = (flags & RENAME_EXCHANGE) != 0;
  if (!source.found) return system_error(ENOENT, "rename");
  if (target.found && (flags & RENAME_NOREPLACE) != 0) return system_error(EEXIST, "rename");
  if (!target.found && exchanges) return system_error(ENOENT, "rename");
  if (is_directory(*source.found) && is_above(*source.found, target.parent))
    return system_error(EINVAL, "rename");
  if (!target.found) return {};
  if (is_above(*target.found, source.parent)) return system_error(exchanges ? EINVAL : ENOTEMPTY, "rename");
  if (*source.found == *target.found || exchanges) return {};
  if (is_directory(*source.found) && !is_directory(*target.found)) return system_error(ENOTDIR, "rename");
  if (!is_directory(*source.found) && is_directory(*target.found)) return system_error(EISDIR, "rename");
  if (!(*target.found)->children.empty()) return system_error(ENOTEMPTY, "rename");
  return {};
}

Result<void> Model::rename(const std::string& from, const std::string& to, unsigned flags) {
  const bool exchanges = (flags & RENAME_EXCHANGE) != 0;
  if (exchanges && (flags & RENAME_NOREPLACE) != 0) return system_error(EINVAL, "rename");
  ENFOLD_TRY_ASSIGN(const Walk source, walk(from));
  ENFOLD_TRY_ASSIGN(const Walk target, walk(to));
  ENFOLD_TRY(check_rename(source, target, flags));
  if (target.found && *source.found == *target.found) return {};
  leave(source);
  if (target.found) leave(target);
  enter(target, *source.found);
  (*source.found)->changed = now();
  if (!target.found) return {};
  (*target.found)->changed = now();
  if (exchanges) {
    enter(source, *target.found);
  } else {
    (*target.found)->links = is_directory(*target.found) ? 0 : (*target.found)->links - 1;
  }
  return {};
}

Result<std::string> Model::readlink(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const ModelNodePtr node, node_at(path));
  if (!S_ISLNK(node->mode)) return system_error(EINVAL, "readlink");
  return node->target;
}

Result<std::map<std::string, mode_t>> Model::list(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const ModelNodePtr node, node_at(path, true));
  if (!is_directory(node)) return system_error(ENOTDIR, "list");
  std::map<std::string, mode_t> names;
  for (const auto& [name, child] : node->children) names[name] = child->mode & S_IFMT;
  return names;
}

}  // namespace enfold
