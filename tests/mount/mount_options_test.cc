#include "fs/mount/mount_options.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace enfold {
namespace {

bool has(const MountOptions& options, const std::string& name) {
  return std::ranges::find(options.fuse, name) != options.fuse.end();
}

TEST(MountOptions, LetsTheKernelCheckPermissionsAlways) {
  EXPECT_TRUE(has(parse_mount_options({}, false).value(), "default_permissions"));
}

TEST(MountOptions, LetsOthersInWhereRootMounts) {
  EXPECT_TRUE(has(parse_mount_options({}, true).value(), "allow_other"));
  EXPECT_FALSE(has(parse_mount_options({}, false).value(), "allow_other"));
  EXPECT_FALSE(has(parse_mount_options({"allow_root"}, true).value(), "allow_other"));
}

TEST(MountOptions, SplitsAtCommasUnlessTheyAreEscaped) {
  auto options = parse_mount_options({"ro,noatime", "fsname=a\\,b"}, false).value();
  EXPECT_TRUE(options.read_only);
  EXPECT_TRUE(has(options, "noatime"));
  EXPECT_EQ(options.source, "a,b");
}

TEST(MountOptions, AreTheSameWhenTheyAreSplitTwice) {
  auto once = split_mount_options({"ro,fsname=a\\,b,,noatime"});
  EXPECT_EQ(once.size(), 3U);
  EXPECT_EQ(split_mount_options(once), once);
}

TEST(MountOptions, TheLastOfReadOnlyAndReadWriteCounts) {
  EXPECT_FALSE(parse_mount_options({"ro,rw"}, false)->read_only);
}

TEST(MountOptions, IgnoresWhatIsForFstabOnly) {
  auto options = parse_mount_options({"noauto,user,nofail,_netdev,x-systemd.automount,defaults"}, false);
  ASSERT_TRUE(options) << describe(options.error());
  EXPECT_EQ(options->fuse, std::vector<std::string>{"default_permissions"});
}

TEST(MountOptions, NamesTheOptionThatItDoesNotKnow) {
  auto options = parse_mount_options({"ro,frobnicate"}, false);
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().code, Errc::kInvalidArgument);
  EXPECT_NE(options.error().message.find("'frobnicate'"), std::string::npos);
}

}  // namespace
}  // namespace enfold
