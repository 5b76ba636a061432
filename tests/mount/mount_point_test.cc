#include "fs/mount/mount_point.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace enfold {
namespace {

class MountPoint : public testing::Test {
 protected:
  MountPoint() {
    std::string name = (std::filesystem::temp_directory_path() / "enfold-mount-point-XXXXXX").string();
    base_ = std::filesystem::canonical(::mkdtemp(name.data()));
    std::filesystem::create_directories(base_ / "lower" / "inside");
    std::filesystem::create_directories(base_ / "point");
  }
  MountPoint(const MountPoint&) = delete;
  MountPoint& operator=(const MountPoint&) = delete;
  ~MountPoint() override { std::filesystem::remove_all(base_); }

  [[nodiscard]] std::string path(const std::string& name) const { return (base_ / name).string(); }
  [[nodiscard]] Errc refused(const std::string& point) const {
    auto result = prepare_mount_point(path(point), path("lower"));
    return result ? Errc::kSystem : result.error().code;
  }

  std::filesystem::path base_;
};

TEST_F(MountPoint, IsMadeCanonical) {
  std::filesystem::create_symlink("point", base_ / "link");
  EXPECT_EQ(prepare_mount_point(path("link/"), path("lower")).value(), path("point"));
}

TEST_F(MountPoint, MustExist) { EXPECT_EQ(refused("absent"), Errc::kNotFound); }

TEST_F(MountPoint, MustBeADirectory) {
  std::ofstream(base_ / "file") << "x";
  EXPECT_EQ(refused("file"), Errc::kInvalidArgument);
}

TEST_F(MountPoint, MustNotLieInTheLowerDirectoryNorAroundIt) {
  EXPECT_EQ(refused("lower"), Errc::kInvalidArgument);
  EXPECT_EQ(refused("lower/inside"), Errc::kInvalidArgument);
  EXPECT_EQ(refused("."), Errc::kInvalidArgument);
}

TEST_F(MountPoint, MayShareTheStartOfItsNameWithTheLowerDirectory) {
  std::filesystem::create_directory(base_ / "lower-mounted");
  EXPECT_TRUE(prepare_mount_point(path("lower-mounted"), path("lower")));
}

TEST(MountTable, IsReadWithItsOptionalFieldsAndEscapes) {
  auto table = parse_mount_table(
      "36 35 98:0 /a /mnt/two\\040words rw,noatime master:1 shared:2 - fuse.enfold /lower\\134x rw,errors=1\n"
      "37 35 0:5 / / rw - tmpfs tmpfs rw\n");
  ASSERT_EQ(table.size(), 2U);
  EXPECT_EQ(table[0].point, "/mnt/two words");
  EXPECT_EQ(table[0].type, "fuse.enfold");
  EXPECT_EQ(table[0].source, "/lower\\x");
  EXPECT_EQ(table[0].device, "98:0");
  EXPECT_EQ(table[1].point, "/");
}

}  // namespace
}  // namespace enfold
