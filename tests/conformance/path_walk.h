// A walk along a path as the kernel does it, for implementations that have no kernel above them.
#pragma once

#include <cerrno>
#include <deque>
#include <optional>
#include <string>

#include "kms/base/error.h"

namespace enfold {

// Where a path leads: the directory that has, or would get, the last name, and what is there. For the root
// the name is empty.
template <class Node>
struct Walked {
  Node parent;
  std::string name;
  std::optional<Node> found;
};

inline void prepend_components(std::deque<std::string>& rest, const std::string& path) {
  std::size_t end = path.size();
  while (end != std::string::npos) {
    const std::size_t slash = end == 0 ? std::string::npos : path.rfind('/', end - 1);
    const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
    if (begin < end) rest.push_front(path.substr(begin, end - begin));
    end = slash;
  }
}

// Tree: root(), type(node), `Result<std::optional<Node>> child(node, name)` and `Result<std::string>
// target(node)`. Knows no ".." and no absolute targets, which no case needs.
template <class Node, class Tree>
Result<Walked<Node>> walk_path(Tree& tree, const std::string& path, bool follows_last) {
  constexpr int kMaxSymlinks = 40;
  std::deque<std::string> rest;
  prepend_components(rest, path);
  Walked<Node> at{tree.root(), "", tree.root()};
  for (int symlinks = 0; !rest.empty();) {
    if (!at.found) return system_error(ENOENT, "path walk");
    if (tree.type(*at.found) != S_IFDIR) return system_error(ENOTDIR, "path walk");
    at = {*at.found, rest.front(), std::nullopt};
    rest.pop_front();
    ENFOLD_TRY_ASSIGN(at.found, tree.child(at.parent, at.name));
    if (!at.found || tree.type(*at.found) != S_IFLNK || (rest.empty() && !follows_last)) continue;
    if (++symlinks > kMaxSymlinks) return system_error(ELOOP, "path walk");
    ENFOLD_TRY_ASSIGN(const std::string target, tree.target(*at.found));
    prepend_components(rest, target);
    at.found = at.parent;
  }
  return at;
}

}  // namespace enfold
