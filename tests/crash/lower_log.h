// What was done to a lower filesystem, call by call, and the trees that it holds: the bytes, names, sizes and
// xattrs of files, known by inode. No I/O but to read a tree from disk and to write one there.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fs/format/length.h"
#include "kms/base/bytes.h"

namespace enfold {

// An inode for as long as the log lasts: never used again, unlike inode numbers.
using NodeId = std::uint32_t;
using LowerPage = std::array<std::uint8_t, kPageBytes>;
using PagePtr = std::shared_ptr<const LowerPage>;  // null: a hole

struct LowerNode {
  mode_t mode = 0;                        // with the type: a directory or a regular file
  std::map<std::string, NodeId> entries;  // of a directory
  std::uint64_t size = 0;
  std::map<std::uint64_t, PagePtr> pages;  // by index; what is missing is a hole
  std::map<std::string, Bytes> xattrs;

  [[nodiscard]] bool is_directory() const { return S_ISDIR(mode); }
};

// Several trees side by side, each a filesystem of its own: the lower directory, and the user's pins.
struct LowerTree {
  std::map<NodeId, LowerNode> nodes;
  std::vector<NodeId> roots;

  // Nodes that a name leads to, with the root's index.
  [[nodiscard]] std::map<NodeId, std::size_t> named() const;
  // Equal for trees that look alike, whatever their nodes' ids.
  [[nodiscard]] std::string fingerprint() const;
  // The same, but pages count as equal only where they are one object: much cheaper.
  [[nodiscard]] std::string identity() const;
};

struct LowerCall {
  enum class Kind : std::uint8_t {
    kWrite,     // one page: `page`, `content` of it afterwards, `size` of the file up to where this wrote
    kTruncate,  // `size`
    kPunch,     // `page` becomes zeros; its blocks are kept where `keeps_blocks`
    kCreate,    // `mode`, and a name
    kLink,
    kUnlink,    // also rmdir
    kRename,    // `name` in `directory` to `to_name` in `to_directory`, where `other` was (or 0)
    kExchange,  // the same, and `other` goes the other way
    kMode,
    kXattr,  // `name`, `value`; removed where `is_removal`
    kTouch,  // owner or times: changes nothing that a test looks at, but it is metadata to sync
    kSync,
    kSyncData,
    kSyncFilesystem,
  };
  Kind kind = Kind::kTouch;
  std::size_t root = 0;  // which filesystem
  NodeId node = 0;
  NodeId directory = 0;
  std::string name{};
  NodeId to_directory = 0;
  std::string to_name{};
  NodeId other = 0;
  std::uint64_t page = 0;
  PagePtr content{};
  std::uint64_t size = 0;
  mode_t mode = 0;
  Bytes value{};
  bool is_removal = false;
  bool keeps_blocks = false;
  bool allocates = false;  // a write past the end or into a hole: metadata changes with it, at writeback

  [[nodiscard]] bool is_sync() const { return kind >= Kind::kSync; }
  [[nodiscard]] bool is_write() const { return kind == Kind::kWrite; }
  [[nodiscard]] bool is_metadata() const { return !is_sync() && !is_write(); }
  [[nodiscard]] bool touches(NodeId which) const {
    return which != 0 && (which == node || which == directory || which == to_directory || which == other);
  }
};

// For people.
std::string text_of(const LowerCall& call);

struct LowerLog {
  LowerTree start;  // all of it durable
  std::vector<LowerCall> calls;
};

// Changes the names, modes and xattrs of `tree` as the call did; sizes are PowerCut's affair.
void apply_names(const LowerCall& call, LowerTree& tree);

// Reads what is below `path`, as the next root of `tree`. `identify` sees each lower file that was taken.
using Identify = std::function<void(const struct stat&, NodeId)>;
void add_root(const std::filesystem::path& path, LowerTree& tree, NodeId& next, const Identify& identify);
// Makes `path` hold what the tree's `root` holds, and nothing else.
void write_root(const LowerTree& tree, std::size_t root, const std::filesystem::path& path);

}  // namespace enfold
