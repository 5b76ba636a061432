#include "tests/volume/fault_model.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "fs/format/sector.h"
#include "tests/volume/tree_support.h"

namespace enfold {
namespace {

testing::AssertionResult no(const std::string& why) { return testing::AssertionFailure() << why; }

// Whether the bytes are those of one version, where it reaches so far.
bool is_sector_of(const KnownNode& node, std::string_view content, std::size_t at) {
  const std::string_view sector = content.substr(at, kSectorPlainBytes);
  return std::ranges::any_of(node.versions, [&](const std::string& version) {
    return version.size() >= at + sector.size() &&
           std::string_view(version).substr(at, sector.size()) == sector;
  });
}

testing::AssertionResult is_content_of(const KnownNode& node, std::string_view content, bool remounted) {
  std::size_t longest = *node.lengths.rbegin();
  if (remounted)
    for (const std::string& version : node.versions) longest = std::max(longest, version.size());
  const bool is_length = remounted ? content.size() >= *node.lengths.begin() && content.size() <= longest
                                   : node.lengths.contains(content.size());
  if (!is_length) return no("length " + std::to_string(content.size()));
  for (std::size_t at = 0; at < content.size(); at += kSectorPlainBytes)
    if (!is_sector_of(node, content, at)) return no("sector " + std::to_string(at / kSectorPlainBytes));
  return testing::AssertionSuccess();
}

testing::AssertionResult has_xattr_of(Volume& tree, InodeNumber inode, const KnownNode& node) {
  const auto value = tree.get_xattr(inode, FaultModel::kXattrName);
  if (!value && errno_of(value.error()) != ENODATA) return no("xattr: " + describe(value.error()));
  const auto actual = value ? std::optional(as_string(*value)) : std::nullopt;
  if (std::ranges::find(node.xattr, actual) == node.xattr.end()) return no("xattr has another value");
  return testing::AssertionSuccess();
}

testing::AssertionResult is_rubble(Volume& tree, InodeNumber inode, mode_t mode) {
  const int seen =
      S_ISDIR(mode) ? errno_of_result(tree.lookup(inode, "x")) : errno_of_result(read_inode(tree, inode));
  return seen == EIO ? testing::AssertionSuccess() : no("not rubble, errno " + std::to_string(seen));
}

testing::AssertionResult is_node(Volume& tree, InodeNumber inode, const KnownNode& node, bool remounted) {
  const auto status = tree.attributes(inode);
  if (!status) return no("stat: " + describe(status.error()));
  if (node.is_rubble) return is_rubble(tree, inode, status->st_mode);
  if ((status->st_mode & S_IFMT) != node.type) return no("another type");
  if (node.type == S_IFLNK) {
    const auto target = tree.read_link(inode);
    if (!target) return no("readlink: " + describe(target.error()));
    return *target == node.versions.front() ? testing::AssertionSuccess() : no("another target");
  }
  if (node.type == S_IFDIR) {
    const int seen = errno_of_result(tree.lookup(inode, "nothing of this name"));
    return seen == ENOENT ? testing::AssertionSuccess() : no("lookup in it gives " + std::to_string(seen));
  }
  if (node.type != S_IFREG) return testing::AssertionSuccess();
  const auto content = read_inode(tree, inode);
  if (!content) return no("read: " + describe(content.error()));
  if (static_cast<std::size_t>(status->st_size) != content->size()) return no("stat and read disagree");
  if (auto same = is_content_of(node, *content, remounted); !same) return same;
  return has_xattr_of(tree, inode, node);
}

std::string resized_to(std::string content, std::size_t length) {
  content.resize(length, '\0');
  return content;
}

std::string written_to(std::string content, std::size_t offset, std::string_view bytes) {
  content.resize(std::max(content.size(), offset + bytes.size()), '\0');
  return content.replace(offset, bytes.size(), bytes);
}

}  // namespace

Result<InodeNumber> find_path(Volume& tree, const std::string& path) {
  if (path.empty()) return kRootInode;
  const SplitPlainPath split = split_plain(path);
  ENFOLD_TRY_ASSIGN(const InodeNumber parent, find_path(tree, split.parent));
  ENFOLD_TRY_ASSIGN(const Entry entry, tree.lookup(parent, split.name));
  return entry.inode;
}

void FaultModel::made(const std::string& path, const KnownNode& node, bool ok) {
  Alternatives& alternatives = paths_[path];
  if (ok || alternatives.empty()) alternatives.clear();
  if (!ok && alternatives.empty()) alternatives.emplace_back(std::nullopt);
  alternatives.emplace_back(node);
  if (ok || !expect_rubble_) return;
  alternatives.emplace_back(node);
  alternatives.back()->is_rubble = true;
}

void FaultModel::removed(const std::string& path, bool ok) {
  Alternatives& alternatives = paths_[path];
  if (ok) alternatives.clear();
  if (!ok && expect_rubble_ && !alternatives.empty()) alternatives.push_back(alternatives.front());
  if (!ok && expect_rubble_ && alternatives.back()) alternatives.back()->is_rubble = true;
  alternatives.emplace_back(std::nullopt);
}

void FaultModel::renamed(const std::string& from, const std::string& to, bool ok) {
  std::vector<std::string> below;
  for (const auto& [path, node] : paths_)
    if (path.starts_with(from + "/")) below.push_back(path.substr(from.size()));
  moved(from, to, ok);
  for (const std::string& rest : below) {
    const auto& alternatives = paths_[from + rest];
    const bool may_be_absent = std::ranges::any_of(alternatives, [](const auto& node) { return !node; });
    moved(from + rest, to + rest, ok);
    if (may_be_absent) paths_[to + rest].emplace_back(std::nullopt);
  }
}

void FaultModel::moved(const std::string& from, const std::string& to, bool ok) {
  if (!ok) half_renamed_.push_back({from, to, paths_[from]});
  linked(from, to, ok);
  removed(from, ok);
}

void FaultModel::linked(const std::string& from, const std::string& to, bool ok) {
  Alternatives& target = paths_[to];
  if (ok) target.clear();
  if (!ok && target.empty()) target.emplace_back(std::nullopt);
  for (const auto& node : paths_[from])
    if (node) target.push_back(node);
}

void FaultModel::each_node(const std::string& path, const std::function<void(KnownNode&)>& change) {
  for (auto& node : paths_[path])
    if (node) change(*node);
}

void FaultModel::written(const std::string& path, std::size_t offset, std::string_view bytes, bool ok) {
  each_node(path, [&](KnownNode& node) {
    std::vector<std::string> after;
    for (const std::string& version : node.versions) after.push_back(written_to(version, offset, bytes));
    if (!ok) {
      node.versions.insert(node.versions.end(), after.begin(), after.end());
      return;
    }
    node.versions = after;
    std::set<std::size_t> lengths;
    for (const std::size_t length : node.lengths) lengths.insert(std::max(length, offset + bytes.size()));
    node.lengths = lengths;
  });
}

void FaultModel::resized(const std::string& path, std::size_t length, bool ok) {
  each_node(path, [&](KnownNode& node) {
    std::vector<std::string> after;
    for (const std::string& version : node.versions) after.push_back(resized_to(version, length));
    if (ok) {
      node.versions.clear();
      node.lengths.clear();
    }
    node.versions.insert(node.versions.end(), after.begin(), after.end());
    node.lengths.insert(length);
  });
}

// What could not be done wholly may have made sectors zero, and not be so long.
void FaultModel::allocated(const std::string& path, int mode, std::size_t offset, std::size_t size, bool ok) {
  const bool grows = (mode & FALLOC_FL_KEEP_SIZE) == 0;
  const bool zeroes = (mode & ~FALLOC_FL_KEEP_SIZE) != 0;
  each_node(path, [&](KnownNode& node) {
    std::vector<std::string> after;
    for (std::string version : node.versions) {
      const std::size_t end = std::min(offset + size, version.size());
      if (zeroes && offset < end) version.replace(offset, end - offset, end - offset, '\0');
      after.push_back(grows ? resized_to(version, std::max(version.size(), offset + size)) : version);
    }
    if (ok) node.versions.clear();
    node.versions.insert(node.versions.end(), after.begin(), after.end());
    std::set<std::size_t> lengths;
    for (const std::size_t length : node.lengths)
      lengths.insert(grows ? std::max(length, offset + size) : length);
    if (ok) node.lengths.clear();
    node.lengths.insert(lengths.begin(), lengths.end());
  });
}

void FaultModel::xattr_set(const std::string& path, const std::optional<std::string>& value, bool ok) {
  each_node(path, [&](KnownNode& node) {
    if (ok) node.xattr.clear();
    node.xattr.push_back(value);
  });
}

// A directory of those above it.
bool FaultModel::may_be_in_rubble(const std::string& path) const {
  const std::string above = split_plain(path).parent;
  if (above.empty()) return false;
  const auto found = paths_.find(above);
  const bool is_rubble = found != paths_.end() && std::ranges::any_of(found->second, [](const auto& node) {
                           return node && node->is_rubble;
                         });
  return is_rubble || may_be_in_rubble(above);
}

bool FaultModel::may_exist(const std::string& path) const {
  const auto found = paths_.find(path);
  return found != paths_.end() &&
         std::ranges::any_of(found->second, [](const auto& node) { return node.has_value(); });
}

testing::AssertionResult FaultModel::matches(Volume& tree, bool remounted) const {
  for (const auto& [path, alternatives] : paths_) {
    const auto inode = find_path(tree, path);
    if (!inode && errno_of(inode.error()) == EIO && expect_rubble_ && may_be_in_rubble(path)) continue;
    if (!inode && errno_of(inode.error()) != ENOENT) return no(path + ": " + describe(inode.error()));
    std::string why;
    const bool is_known = std::ranges::any_of(alternatives, [&](const auto& node) {
      if (!inode || !node) {
        why += inode ? "" : " it is gone;";
        return !inode && !node;
      }
      if (node->is_rubble && !expect_rubble_) return false;
      const auto same = is_node(tree, *inode, *node, remounted);
      why += std::string(" ") + same.message() + ";";
      return static_cast<bool>(same);
    });
    if (!is_known) return no(path + ":" + why);
  }
  return is_nowhere_lost(tree, remounted);
}

// A rename that failed has left what was to move under one of the two names.
testing::AssertionResult FaultModel::is_nowhere_lost(Volume& tree, bool remounted) const {
  for (const HalfRenamed& renamed : half_renamed_) {
    if (std::ranges::any_of(renamed.moved, [](const auto& node) { return !node; }))
      continue;  // may never have been
    if (find_path(tree, renamed.from)) continue;
    const auto to = find_path(tree, renamed.to);
    if (!to) return no(renamed.from + " and " + renamed.to + " are both gone");
    const bool is_moved = std::ranges::any_of(renamed.moved, [&](const auto& node) {
      return static_cast<bool>(is_node(tree, *to, *node, remounted));
    });
    if (!is_moved) return no(renamed.from + " is gone, and not at " + renamed.to);
  }
  return testing::AssertionSuccess();
}

}  // namespace enfold
