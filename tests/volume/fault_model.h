// What an application knows of a tree in which calls fail: after success the new state, after an error the
// old or the new one, of a file's content sector by sector.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fs/volume/volume.h"

namespace enfold {

struct KnownNode {
  mode_t type = S_IFREG;
  // Of a file: each sector is that of one of these, and the length one of those. A symlink has its target.
  std::vector<std::string> versions{""};
  std::set<std::size_t> lengths{0};
  // It could neither be finished nor taken away: there, and not readable.
  bool is_rubble = false;
  // A single xattr, by all values it may have; an empty optional = it is not there.
  std::vector<std::optional<std::string>> xattr{std::nullopt};
};

class FaultModel {
 public:
  static constexpr const char* kXattrName = "user.tag";

  // A device that takes nothing any more leaves what is half made.
  void expect_rubble(bool expect) { expect_rubble_ = expect; }

  // Each tells how a call ended.
  void made(const std::string& path, const KnownNode& node, bool ok);
  void removed(const std::string& path, bool ok);
  void renamed(const std::string& from, const std::string& to, bool ok);  // with all that is below
  void linked(const std::string& from, const std::string& to, bool ok);
  void written(const std::string& path, std::size_t offset, std::string_view bytes, bool ok);
  void resized(const std::string& path, std::size_t length, bool ok);
  void allocated(const std::string& path, int mode, std::size_t offset, std::size_t size, bool ok);
  void xattr_set(const std::string& path, const std::optional<std::string>& value, bool ok);

  // Every path shows one of the states that it may have. `remounted`: a growth that could neither be ended
  // nor undone may have left a file anywhere between its old and its new length.
  testing::AssertionResult matches(Volume& tree, bool remounted) const;
  [[nodiscard]] bool may_exist(const std::string& path) const;

 private:
  using Alternatives = std::vector<std::optional<KnownNode>>;
  void moved(const std::string& from, const std::string& to, bool ok);
  [[nodiscard]] bool may_be_in_rubble(const std::string& path) const;
  void each_node(const std::string& path, const std::function<void(KnownNode&)>& change);

  bool expect_rubble_ = false;
  std::map<std::string, Alternatives> paths_;
  struct HalfRenamed {
    std::string from;
    std::string to;
    Alternatives moved;
  };
  testing::AssertionResult is_nowhere_lost(Volume& tree, bool remounted) const;

  std::vector<HalfRenamed> half_renamed_;
};

// With a lookup that stays.
Result<InodeNumber> find_path(Volume& tree, const std::string& path);

}  // namespace enfold
