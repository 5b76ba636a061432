// Extended attributes, and what happens to those that were moved below.
#include <sys/xattr.h>

#include "tests/volume/tree_support.h"

namespace enfold {
namespace {

using Names = std::vector<std::string>;

Result<std::string> get(TreeWorld& world, InodeNumber inode, const std::string& name) {
  ENFOLD_TRY_ASSIGN(const Bytes value, world.tree().get_xattr(inode, name));
  return as_string(value);
}

Result<void> set(TreeWorld& world, InodeNumber inode, const std::string& name, std::string_view value,
                 int flags = 0) {
  return world.tree().set_xattr(inode, name, as_bytes(value), flags);
}

// What is stored below.
Names lower_names(const std::string& path) {
  std::array<char, 4096> block{};
  const ssize_t size = ::listxattr(path.c_str(), block.data(), block.size());
  Names names;
  for (ssize_t at = 0; at < size; at += static_cast<ssize_t>(names.back().size()) + 1)
    names.emplace_back(block.data() + at);
  return names;
}

std::string lower_value(const std::string& path, const std::string& name) {
  std::array<char, 4096> block{};
  const ssize_t size = ::getxattr(path.c_str(), name.c_str(), block.data(), block.size());
  return size < 0 ? "" : std::string(block.data(), static_cast<std::size_t>(size));
}

void put_lower(const std::string& path, const std::string& name, const std::string& value) {
  ASSERT_EQ(::setxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0), 0);
}

TEST(TreeXattrs, AreKeptOnEveryKindOfObject) {
  TreeWorld world;
  world.make_file("file");
  world.make_directory("directory");
  world.make_symlink("link", "target");
  world.make_node("fifo", S_IFIFO | 0600);
  for (const char* name : {"", "file", "directory", "link", "fifo"}) {
    const InodeNumber inode = world.inode(name);
    ASSERT_TRUE(is_ok(set(world, inode, "user.color", "green"))) << name;
    ASSERT_TRUE(is_ok(set(world, inode, "trusted.note", ""))) << name;
  }
  world.reopen();
  for (const char* name : {"", "file", "directory", "link", "fifo"}) {
    const InodeNumber inode = world.inode(name);
    EXPECT_EQ(get(world, inode, "user.color").value_or("?"), "green") << name;
    EXPECT_EQ(get(world, inode, "trusted.note").value_or("?"), "") << name;
    EXPECT_EQ(world.tree().list_xattrs(inode)->size(), 2U) << name;
    for (const std::string& lower : lower_names(world.lower(name)))
      EXPECT_EQ(lower.find("color"), std::string::npos);
  }
}

TEST(TreeXattrs, FollowTheFlagsOfSetxattr) {
  TreeWorld world;
  const InodeNumber inode = world.make_file("a");
  EXPECT_EQ(errno_of_result(set(world, inode, "user.a", "v", XATTR_REPLACE)), ENODATA);
  EXPECT_TRUE(is_ok(set(world, inode, "user.a", "v", XATTR_CREATE)));
  EXPECT_EQ(errno_of_result(set(world, inode, "user.a", "v", XATTR_CREATE)), EEXIST);
  EXPECT_TRUE(is_ok(set(world, inode, "user.a", "w", XATTR_REPLACE)));
  EXPECT_EQ(get(world, inode, "user.a").value_or(""), "w");
  EXPECT_TRUE(is_ok(world.tree().remove_xattr(inode, "user.a")));
  EXPECT_EQ(errno_of_result(world.tree().remove_xattr(inode, "user.a")), ENODATA);
  EXPECT_EQ(errno_of_result(get(world, inode, "user.a")), ENODATA);
}

TEST(TreeXattrs, RefuseOtherNamespacesAndOverlongNames) {
  TreeWorld world;
  const InodeNumber inode = world.make_file("a");
  for (const char* name : {"system.other", "foreign.name", "user", ""}) {
    EXPECT_EQ(errno_of_result(set(world, inode, name, "v")), EOPNOTSUPP) << name;
    EXPECT_EQ(errno_of_result(get(world, inode, name)), EOPNOTSUPP) << name;
    EXPECT_EQ(errno_of_result(world.tree().remove_xattr(inode, name)), EOPNOTSUPP) << name;
  }
  EXPECT_EQ(errno_of_result(set(world, inode, "user." + std::string(250, 'n'), "v")), ERANGE);
  EXPECT_TRUE(is_ok(set(world, inode, "user." + std::string(161, 'n'), "v")));
  EXPECT_NE(errno_of_result(set(world, inode, "user.big", std::string(65'536, 'v'))), 0);
}

TEST(TreeXattrs, ReadingThemAsksNoKms) {
  TreeWorld world;
  ASSERT_TRUE(is_ok(set(world, world.make_file("a"), "user.a", "v")));
  world.reopen();
  world.kms.set_fault(FakeKms::Fault::kUnavailable);
  EXPECT_EQ(get(world, world.inode("a"), "user.a").value_or(""), "v");
}

TEST(TreeXattrs, MovedBetweenNamesOrFilesDoNotVerify) {
  TreeWorld world;
  const InodeNumber a = world.make_file("a");
  const InodeNumber b = world.make_file("b");
  ASSERT_TRUE(is_ok(set(world, a, "user.one", "1")));
  const std::string one = lower_names(world.lower("a")).at(0);
  ASSERT_TRUE(is_ok(set(world, a, "user.two", "2")));
  const Names both = lower_names(world.lower("a"));
  const std::string& two = both.at(both.at(0) == one ? 1 : 0);
  const std::string value_of_one = lower_value(world.lower("a"), one);
  put_lower(world.lower("a"), two, value_of_one);
  EXPECT_EQ(errno_of_result(get(world, a, "user.two")), EIO);
  EXPECT_EQ(get(world, a, "user.one").value_or(""), "1");
  // Under its own name in another file: neither the name nor the value is that file's.
  put_lower(world.lower("b"), one, value_of_one);
  EXPECT_TRUE(world.tree().list_xattrs(b)->empty());
  EXPECT_EQ(errno_of_result(get(world, b, "user.one")), ENODATA);
  // A damaged one can be written anew, and removed.
  EXPECT_TRUE(is_ok(set(world, a, "user.two", "2")));
  EXPECT_EQ(get(world, a, "user.two").value_or(""), "2");
}

TEST(TreeXattrs, OthersOfTheLowerFileAreNotShown) {
  TreeWorld world;
  const InodeNumber inode = world.make_file("a");
  put_lower(world.lower("a"), "user.plain", "planted");
  put_lower(world.lower("a"), "user.enfold.AAAA", "planted");
  EXPECT_TRUE(world.tree().list_xattrs(inode)->empty());
  EXPECT_EQ(errno_of_result(get(world, inode, "user.plain")), ENODATA);
}

}  // namespace
}  // namespace enfold
