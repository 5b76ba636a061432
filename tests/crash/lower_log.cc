#include "tests/crash/lower_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "kms/base/files.h"
#include "kms/crypto/hkdf.h"

namespace enfold {

namespace stdfs = std::filesystem;

namespace {

void name_nodes(const LowerTree& tree, NodeId id, std::size_t root, std::map<NodeId, std::size_t>& out) {
  out.emplace(id, root);
  for (const auto& [name, child] : tree.nodes.at(id).entries) name_nodes(tree, child, root, out);
}

void append(std::string& out, std::string_view text) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

std::string text_of(const PagePtr& page, bool by_content) {
  if (by_content) return as_string(*page);
  return std::to_string(reinterpret_cast<std::uintptr_t>(page.get()));
}

// Links are told from copies by numbers given in the order of the walk.
void describe_node(const LowerTree& tree, NodeId id, bool by_content, std::map<NodeId, std::size_t>& seen,
                   std::string& out) {
  const auto [at, is_new] = seen.emplace(id, seen.size());
  append(out, std::to_string(at->second));
  if (!is_new) return;
  const LowerNode& node = tree.nodes.at(id);
  append(out, std::to_string(node.mode));
  append(out, std::to_string(node.size));
  for (const auto& [name, child] : node.entries) {
    append(out, name);
    describe_node(tree, child, by_content, seen, out);
  }
  for (const auto& [index, content] : node.pages) {
    append(out, std::to_string(index));
    append(out, text_of(content, by_content));
  }
  for (const auto& [name, value] : node.xattrs) {
    append(out, name);
    append(out, as_string(value));
  }
}

std::string describe(const LowerTree& tree, bool by_content) {
  std::string text;
  std::map<NodeId, std::size_t> seen;
  for (const NodeId root : tree.roots) describe_node(tree, root, by_content, seen, text);
  return text;
}

Bytes xattr_of(const std::string& path, const std::string& name) {
  Bytes value(XATTR_SIZE_MAX);
  const ssize_t size = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
  value.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return value;
}

void read_xattrs(const std::string& path, LowerNode& node) {
  std::array<char, 4096> block{};
  const ssize_t size = ::llistxattr(path.c_str(), block.data(), block.size());
  for (ssize_t at = 0; at < size;) {
    const std::string name(block.data() + at);
    if (name.starts_with("user.")) node.xattrs[name] = xattr_of(path, name);
    at += static_cast<ssize_t>(name.size()) + 1;
  }
}

void read_pages(const std::string& path, LowerNode& node) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  for (std::uint64_t at = 0; at < node.size; at += kPageBytes) {
    auto page = std::make_shared<LowerPage>();
    EXPECT_GE(::pread(fd.get(), page->data(), page->size(), static_cast<off_t>(at)), 0);
    if (!all_zero(*page)) node.pages[at / kPageBytes] = std::move(page);
  }
}

NodeId read_node(const stdfs::path& path, LowerTree& tree, NodeId& next, const Identify& identify,
                 std::map<ino_t, NodeId>& linked) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  if (const auto known = linked.find(status.st_ino); known != linked.end()) return known->second;
  const NodeId id = next++;
  linked[status.st_ino] = id;
  if (identify) identify(status, id);
  LowerNode node;
  node.mode = status.st_mode;
  read_xattrs(path, node);
  if (node.is_directory()) {
    for (const auto& entry : stdfs::directory_iterator(path))
      node.entries[entry.path().filename()] = read_node(entry.path(), tree, next, identify, linked);
  } else {
    node.size = static_cast<std::uint64_t>(status.st_size);
    read_pages(path, node);
  }
  tree.nodes[id] = std::move(node);
  return id;
}

void write_file(const LowerNode& node, const stdfs::path& path) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  ASSERT_TRUE(fd.valid()) << path;
  ASSERT_EQ(::ftruncate(fd.get(), static_cast<off_t>(node.size)), 0);
  for (const auto& [index, content] : node.pages) {
    const std::uint64_t at = index * kPageBytes;
    if (at >= node.size) continue;
    const std::size_t size = std::min<std::uint64_t>(kPageBytes, node.size - at);
    ASSERT_EQ(::pwrite(fd.get(), content->data(), size, static_cast<off_t>(at)), static_cast<ssize_t>(size));
  }
}

void write_node(const LowerTree& tree, NodeId id, const stdfs::path& path,
                std::map<NodeId, stdfs::path>& made) {
  if (const auto known = made.find(id); known != made.end())
    return stdfs::create_hard_link(known->second, path);
  made[id] = path;
  const LowerNode& node = tree.nodes.at(id);
  if (node.is_directory()) {
    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0) << path;
    for (const auto& [name, child] : node.entries) write_node(tree, child, path / name, made);
  } else {
    write_file(node, path);
  }
  for (const auto& [name, value] : node.xattrs)
    ASSERT_EQ(::lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0), 0) << name;
  ASSERT_EQ(::chmod(path.c_str(), node.mode & 07777U), 0);
}

void move_name(const LowerCall& call, LowerTree& tree) {
  auto& from = tree.nodes[call.directory].entries;
  auto& to = tree.nodes[call.to_directory].entries;
  if (call.kind == LowerCall::Kind::kExchange)
    from[call.name] = call.other;
  else
    from.erase(call.name);
  to[call.to_name] = call.node;
}

}  // namespace

std::map<NodeId, std::size_t> LowerTree::named() const {
  std::map<NodeId, std::size_t> out;
  for (std::size_t root = 0; root < roots.size(); ++root) name_nodes(*this, roots[root], root, out);
  return out;
}

std::string LowerTree::fingerprint() const {
  const std::string text = describe(*this, true);
  return to_hex(sha256({as_bytes(text)}));
}

std::string LowerTree::identity() const { return describe(*this, false); }

std::string text_of(const LowerCall& call) {
  static const std::array<const char*, 14> kNames{"write",  "truncate", "punch",     "create", "link",
                                                  "unlink", "rename",   "exchange",  "mode",   "xattr",
                                                  "touch",  "fsync",    "fdatasync", "syncfs"};
  std::string out = std::string(kNames.at(static_cast<std::size_t>(call.kind))) + " node " +
                    std::to_string(call.node) + " " + call.name.substr(0, 20) + " " +
                    call.to_name.substr(0, 20);
  if (call.is_write()) out += "page " + std::to_string(call.page) + (call.allocates ? " new" : "");
  if (call.kind == LowerCall::Kind::kPunch) out += "page " + std::to_string(call.page);
  if (call.directory != 0) out += " in " + std::to_string(call.directory);
  if (call.to_directory != 0) out += " to " + std::to_string(call.to_directory);
  return out + " size " + std::to_string(call.size);
}

void apply_names(const LowerCall& call, LowerTree& tree) {
  using Kind = LowerCall::Kind;
  switch (call.kind) {
    case Kind::kCreate:
      tree.nodes[call.node].mode = call.mode;
      [[fallthrough]];
    case Kind::kLink:
      tree.nodes[call.directory].entries[call.name] = call.node;
      break;
    case Kind::kUnlink:
      tree.nodes[call.directory].entries.erase(call.name);
      break;
    case Kind::kRename:
    case Kind::kExchange:
      move_name(call, tree);
      break;
    case Kind::kMode:
      tree.nodes[call.node].mode = call.mode;
      break;
    case Kind::kXattr:
      if (call.is_removal)
        tree.nodes[call.node].xattrs.erase(call.name);
      else
        tree.nodes[call.node].xattrs[call.name] = call.value;
      break;
    default:
      break;
  }
}

void add_root(const stdfs::path& path, LowerTree& tree, NodeId& next, const Identify& identify) {
  std::map<ino_t, NodeId> linked;
  tree.roots.push_back(read_node(path, tree, next, identify, linked));
}

void write_root(const LowerTree& tree, std::size_t root, const stdfs::path& path) {
  stdfs::remove_all(path);
  std::map<NodeId, stdfs::path> made;
  write_node(tree, tree.roots[root], path, made);
}

}  // namespace enfold
