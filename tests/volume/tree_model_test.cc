// Random operations against a model in memory: whatever the order, both must agree, also after a reopen.
#include <linux/fs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <vector>

#include "tests/volume/tree_support.h"

namespace enfold {
namespace {

struct Node;
using NodePtr = std::shared_ptr<Node>;

struct Node {
  mode_t type = 0;
  mode_t mode = 0;
  std::uint64_t links = 1;
  std::string content;  // or a symlink's target
  dev_t device = 0;
  std::map<std::string, std::string> xattrs;
  std::map<std::string, NodePtr> children;
};

// A reference as the kernel holds one: it stays good whatever happens to the name.
struct Held {
  InodeNumber inode = 0;
  NodePtr node;
  std::unique_ptr<FileHandle> handle;
};

class ModelRun {
 public:
  explicit ModelRun(TreeWorld& world) : world_(world) {
    root_->type = S_IFDIR;
    for (const char* name : {"a", "b", "c", "d", "Makefile", "\xff\xfe\x01 \n"}) names_.emplace_back(name);
    for (std::size_t length : {175U, 176U, 200U, 255U}) names_.emplace_back(length, 'n');
  }

  void step() {
    // Weighted so that the tree neither empties nor grows without end.
    switch (below(22)) {
      case 0:
      case 1:
      case 2:
        return create();
      case 3:
      case 4:
        return make_directory();
      case 5:
        return make_symlink();
      case 6:
        return make_node();
      case 7:
      case 8:
        return unlink();
      case 9:
        return remove_directory();
      case 10:
      case 11:
      case 12:
      case 13:
        return rename();
      case 14:
        return link();
      case 15:
      case 16:
        return write();
      case 17:
        return resize();
      case 18:
        return set_mode();
      case 19:
        return xattr();
      case 20:
        return hold();
      default:
        return check_held();
    }
  }

  void compare() { compare_directory(*root_, kRootInode, ""); }

  void drop_held() {
    for (Held& held : held_) release(held);
    held_.clear();
  }

 private:
  struct Place {
    InodeNumber inode;
    NodePtr node;
    std::vector<NodePtr> ancestors;  // the root first, the directory itself last
    std::string name;

    [[nodiscard]] NodePtr entry() const {
      auto found = node->children.find(name);
      return found == node->children.end() ? nullptr : found->second;
    }
  };

  std::uint64_t below(std::uint64_t limit) { return world_.entropy.below(limit); }
  Volume& tree() { return world_.tree(); }

  // A random directory and a random name in it, which more often than not is taken.
  Place place() {
    Place at{kRootInode, root_, {root_}, {}};
    std::string path;
    for (std::uint64_t depth = below(4); depth > 0; --depth) {
      std::vector<std::string> directories;
      for (const auto& [name, child] : at.node->children)
        if (child->type == S_IFDIR) directories.push_back(name);
      if (directories.empty()) break;
      const std::string& name = directories[below(directories.size())];
      path += (path.empty() ? "" : "/") + name;
      at.node = at.node->children[name];
      at.ancestors.push_back(at.node);
    }
    at.inode = world_.inode(path);
    EXPECT_NE(at.inode, 0U);
    at.name = names_[below(names_.size())];
    if (!at.node->children.empty() && below(2) == 0)
      at.name =
          std::next(at.node->children.begin(), static_cast<std::ptrdiff_t>(below(at.node->children.size())))
              ->first;
    return at;
  }

  NodePtr add(const Place& at, mode_t type, mode_t mode) {
    auto node = std::make_shared<Node>();
    node->type = type;
    node->mode = mode;
    at.node->children[at.name] = node;
    return node;
  }

  void create() {
    const Place at = place();
    const mode_t mode = 0400 + static_cast<mode_t>(below(0400));
    auto created = tree().create(at.inode, at.name, mode, world_.caller());
    ASSERT_EQ(errno_of_result(created), at.entry() ? EEXIST : 0);
    if (!created) return;
    const NodePtr node = add(at, S_IFREG, mode);
    fill(*created->handle, *node);
    ASSERT_TRUE(is_ok(created->handle->flush()));
  }

  void fill(FileHandle& handle, Node& node) {
    const Bytes data = random_bytes(world_.entropy, 1 + below(9000));
    const std::uint64_t offset = below(node.content.size() + 3000);
    ASSERT_TRUE(is_ok(handle.write(offset, data)));
    if (node.content.size() < offset + data.size()) node.content.resize(offset + data.size());
    std::ranges::copy(data, node.content.begin() + static_cast<std::ptrdiff_t>(offset));
  }

  void make_directory() {
    const Place at = place();
    auto made = tree().make_directory(at.inode, at.name, 0750, world_.caller());
    ASSERT_EQ(errno_of_result(made), at.entry() ? EEXIST : 0);
    if (made) add(at, S_IFDIR, 0750);
  }

  void make_symlink() {
    const Place at = place();
    const std::string target(1 + below(kMaxSymlinkTargetBytes), 't');
    auto made = tree().make_symlink(at.inode, at.name, target, world_.caller());
    ASSERT_EQ(errno_of_result(made), at.entry() ? EEXIST : 0);
    if (made) add(at, S_IFLNK, 0777)->content = target;
  }

  void make_node() {
    constexpr std::array<mode_t, 5> kTypes = {S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK, S_IFREG};
    const Place at = place();
    const mode_t type = kTypes[below(kTypes.size())];
    const bool is_device = type == S_IFCHR || type == S_IFBLK;
    const dev_t device =
        is_device ? makedev(static_cast<unsigned>(below(500)), static_cast<unsigned>(below(100'000))) : 0;
    auto made = tree().make_node(at.inode, at.name, type | 0640, device, world_.caller());
    ASSERT_EQ(errno_of_result(made), at.entry() ? EEXIST : 0);
    if (made) add(at, type, 0640)->device = device;
  }

  void unlink() {
    const Place at = place();
    const NodePtr entry = at.entry();
    const int expected = !entry ? ENOENT : entry->type == S_IFDIR ? EISDIR : 0;
    ASSERT_EQ(errno_of_result(tree().unlink(at.inode, at.name)), expected);
    if (expected != 0) return;
    --entry->links;
    at.node->children.erase(at.name);
  }

  void remove_directory() {
    const Place at = place();
    const NodePtr entry = at.entry();
    const int expected = !entry                     ? ENOENT
                         : entry->type != S_IFDIR   ? ENOTDIR
                         : !entry->children.empty() ? ENOTEMPTY
                                                    : 0;
    ASSERT_EQ(errno_of_result(tree().remove_directory(at.inode, at.name)), expected);
    if (expected != 0) return;
    entry->links = 0;
    at.node->children.erase(at.name);
  }

  static bool is_above(const NodePtr& node, const Place& at) {
    return std::ranges::find(at.ancestors, node) != at.ancestors.end();
  }

  // Which of several errors a rename gives that is wrong in several ways is the kernel's own affair.
  static bool may_rename(const Place& from, const Place& to, unsigned flags) {
    const NodePtr source = from.entry();
    const NodePtr target = to.entry();
    if (!source || (!target && flags == RENAME_EXCHANGE) || (target && flags == RENAME_NOREPLACE))
      return false;
    if (source == target) return true;
    if (is_above(source, to) || (target && is_above(target, from))) return false;
    if (!target || flags == RENAME_EXCHANGE) return true;
    return (source->type == S_IFDIR) == (target->type == S_IFDIR) && target->children.empty();
  }

  void rename() {
    constexpr std::array<unsigned, 4> kFlags = {0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
    const Place from = place();
    const Place to = place();
    const unsigned flags = kFlags[below(kFlags.size())];
    const NodePtr source = from.entry();
    const NodePtr target = to.entry();
    auto renamed = tree().rename(from.inode, from.name, to.inode, to.name, flags);
    ASSERT_EQ(bool{renamed}, may_rename(from, to, flags)) << errno_of_result(renamed);
    if (!renamed || source == target) return;
    to.node->children[to.name] = source;
    if (flags == RENAME_EXCHANGE) {
      from.node->children[from.name] = target;
      return;
    }
    from.node->children.erase(from.name);
    if (target) --target->links;
  }

  void link() {
    const Place from = place();
    const Place to = place();
    const NodePtr source = from.entry();
    auto found = tree().lookup(from.inode, from.name);
    ASSERT_EQ(errno_of_result(found), source ? 0 : ENOENT);
    if (!found) return;
    const int expected = source->type == S_IFDIR ? EPERM : to.entry() ? EEXIST : 0;
    auto linked = tree().link(found->inode, to.inode, to.name);
    ASSERT_EQ(errno_of_result(linked), expected);
    if (!linked) return;
    ASSERT_EQ(linked->inode, found->inode);
    ++source->links;
    to.node->children[to.name] = source;
  }

  void write() {
    const Place at = place();
    const NodePtr entry = at.entry();
    if (!entry || entry->type != S_IFREG) return;
    auto found = tree().lookup(at.inode, at.name);
    ASSERT_TRUE(is_ok(found));
    auto handle = tree().open_file(found->inode, O_RDWR);
    ASSERT_TRUE(is_ok(handle));
    fill(**handle, *entry);
  }

  void resize() {
    const Place at = place();
    const NodePtr entry = at.entry();
    if (!entry || entry->type != S_IFREG) return;
    auto found = tree().lookup(at.inode, at.name);
    ASSERT_TRUE(is_ok(found));
    AttributeChanges changes;
    changes.length = below(12'000);
    auto changed = tree().set_attributes(found->inode, changes);
    ASSERT_TRUE(is_ok(changed));
    ASSERT_EQ(changed->st_size, static_cast<off_t>(*changes.length));
    entry->content.resize(*changes.length);
  }

  void set_mode() {
    const Place at = place();
    const NodePtr entry = at.entry();
    if (!entry || entry->type == S_IFLNK) return;
    auto found = tree().lookup(at.inode, at.name);
    ASSERT_TRUE(is_ok(found));
    AttributeChanges changes;
    changes.mode = 0700 + static_cast<mode_t>(below(0100));
    ASSERT_TRUE(is_ok(tree().set_attributes(found->inode, changes)));
    entry->mode = *changes.mode;
  }

  void xattr() {
    const Place at = place();
    const NodePtr entry = at.entry();
    if (!entry) return;
    auto found = tree().lookup(at.inode, at.name);
    ASSERT_TRUE(is_ok(found));
    const std::string name = "user.x" + std::to_string(below(3));
    const bool is_there = entry->xattrs.contains(name);
    if (below(3) == 0) {
      ASSERT_EQ(errno_of_result(tree().remove_xattr(found->inode, name)), is_there ? 0 : ENODATA);
      entry->xattrs.erase(name);
      return;
    }
    const int flags = static_cast<int>(below(3));  // 0, XATTR_CREATE, XATTR_REPLACE
    const int expected = flags == XATTR_CREATE && is_there     ? EEXIST
                         : flags == XATTR_REPLACE && !is_there ? ENODATA
                                                               : 0;
    const std::string value = as_string(random_bytes(world_.entropy, below(100)));
    ASSERT_EQ(errno_of_result(tree().set_xattr(found->inode, name, as_bytes(value), flags)), expected);
    if (expected == 0) entry->xattrs[name] = value;
  }

  void hold() {
    const Place at = place();
    const NodePtr entry = at.entry();
    if (!entry) return;
    if (held_.size() >= 20) {
      release(held_.front());
      held_.erase(held_.begin());
    }
    auto found = tree().lookup(at.inode, at.name);
    ASSERT_TRUE(is_ok(found));
    Held held{found->inode, entry, nullptr};
    if (entry->type == S_IFREG && below(2) == 0) {
      auto handle = tree().open_file(found->inode, O_RDWR);
      ASSERT_TRUE(is_ok(handle));
      held.handle = std::move(*handle);
    }
    held_.push_back(std::move(held));
  }

  void release(Held& held) {
    held.handle.reset();
    tree().forget(held.inode, 1);
  }

  void check_held() {
    if (held_.empty()) return;
    Held& held = held_[below(held_.size())];
    compare_attributes(*held.node, held.inode, "held");
    if (held.node->type != S_IFREG) return;
    auto content = read_inode(tree(), held.inode);
    ASSERT_TRUE(is_ok(content));
    ASSERT_TRUE(*content == held.node->content);
    if (held.handle) fill(*held.handle, *held.node);
  }

  void compare_directory(const Node& node, InodeNumber inode, const std::string& path) {
    auto handle = tree().open_directory(inode);
    ASSERT_TRUE(is_ok(handle)) << path;
    auto entries = (*handle)->entries(false);
    ASSERT_TRUE(is_ok(entries)) << path;
    ASSERT_EQ((*entries)->size(), node.children.size()) << path;
    for (const DirectoryEntry& listed : **entries) {
      const auto child = node.children.find(listed.name);
      ASSERT_NE(child, node.children.end()) << path;
      ASSERT_EQ(listed.type != 0 ? listed.type : (*handle)->type_of(listed).value(), child->second->type);
      auto entry = tree().lookup(inode, listed.name);
      ASSERT_TRUE(is_ok(entry));
      ASSERT_EQ(entry->attributes.st_ino, listed.number);
      compare_node(*child->second, entry->inode, path + "/" + listed.name);
      tree().forget(entry->inode, 1);
    }
  }

  void compare_node(const Node& node, InodeNumber inode, const std::string& path) {
    compare_attributes(node, inode, path);
    compare_xattrs(node, inode);
    if (node.type == S_IFDIR) return compare_directory(node, inode, path);
    if (node.type == S_IFLNK) {
      auto target = tree().read_link(inode);
      ASSERT_TRUE(is_ok(target));
      ASSERT_EQ(*target, node.content);
    }
    if (node.type == S_IFREG) {
      auto content = read_inode(tree(), inode);
      ASSERT_TRUE(is_ok(content));
      ASSERT_TRUE(*content == node.content) << path;
    }
  }

  void compare_attributes(const Node& node, InodeNumber inode, const std::string& path) {
    auto status = tree().attributes(inode);
    ASSERT_TRUE(is_ok(status)) << path;
    ASSERT_EQ(status->st_mode, node.type | node.mode) << path;
    ASSERT_EQ(status->st_rdev, node.device) << path;
    if (node.type == S_IFDIR) return;
    ASSERT_EQ(status->st_nlink, node.links) << path;
    ASSERT_EQ(status->st_size, static_cast<off_t>(node.content.size())) << path;
  }

  void compare_xattrs(const Node& node, InodeNumber inode) {
    auto names = tree().list_xattrs(inode);
    ASSERT_TRUE(is_ok(names));
    ASSERT_EQ(names->size(), node.xattrs.size());
    for (const auto& [name, value] : node.xattrs) {
      auto stored = tree().get_xattr(inode, name);
      ASSERT_TRUE(is_ok(stored));
      ASSERT_EQ(as_string(*stored), value);
    }
  }

  TreeWorld& world_;
  NodePtr root_ = std::make_shared<Node>();
  std::vector<std::string> names_;
  std::vector<Held> held_;
};

TEST(Tree, AgreesWithAModelThroughRandomOperationsAndReopens) {
  TreeWorld world(1);
  ModelRun run(world);
  for (int step = 1; step <= 4000; ++step) {
    run.step();
    if (testing::Test::HasFatalFailure()) FAIL() << "at step " << step;
    if (step % 300 == 0) run.compare();
    if (step % 900 == 0) {
      run.drop_held();
      world.reopen();
      run.compare();
    }
    if (testing::Test::HasFatalFailure()) FAIL() << "comparing after step " << step;
  }
  run.drop_held();
}

}  // namespace
}  // namespace enfold
