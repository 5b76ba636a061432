// Modes, owners, times, lengths, and what an ordinary user may do.
#include <sys/fsuid.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <tuple>

#include "tests/volume/tree_support.h"

namespace enfold {
namespace {

constexpr uid_t kNobody = 65534;

AttributeChanges with_mode(mode_t mode) {
  AttributeChanges changes;
  changes.mode = mode;
  return changes;
}

AttributeChanges with_length(std::uint64_t length) {
  AttributeChanges changes;
  changes.length = length;
  return changes;
}

// Runs the checks in a child of an ordinary user: of nobody where this test runs as root.
void as_ordinary_user(const std::function<void()>& checks) {
  std::ignore = std::fflush(nullptr);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::geteuid() == 0 &&
        (::setresgid(kNobody, kNobody, kNobody) != 0 || ::setresuid(kNobody, kNobody, kNobody) != 0))
      ::_exit(2);
    checks();
    std::ignore = std::fflush(nullptr);
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "in the child of an ordinary user";
}

TEST(TreeAttributes, ShowTheLowerFilesOwnAndThePlainLength) {
  TreeWorld world;
  for (std::uint64_t length : {0U, 1U, 4063U, 4064U, 4065U, 20'000U}) {
    const std::string name = std::to_string(length);
    world.make_file(name, std::string(length, 'x'), 0640);
    world.reopen();
    auto status = world.status(name);
    ASSERT_TRUE(is_ok(status));
    EXPECT_EQ(status->st_size, static_cast<off_t>(length));
    EXPECT_EQ(status->st_mode, S_IFREG | 0640U);
    EXPECT_EQ(status->st_uid, ::geteuid());
    EXPECT_EQ(status->st_nlink, 1U);
  }
}

TEST(TreeAttributes, SpecialObjectsShowTheirKindLengthAndNumber) {
  TreeWorld world;
  world.make_symlink("link", std::string(4'095, 't'));
  world.make_node("fifo", S_IFIFO | 0620);
  world.make_node("socket", S_IFSOCK | 0600);
  world.make_node("char", S_IFCHR | 0666, makedev(4095, 1'048'575));
  world.make_node("block", S_IFBLK | 0660, makedev(8, 1));
  world.reopen();
  EXPECT_EQ(world.status("link")->st_mode, S_IFLNK | 0777U);
  EXPECT_EQ(world.status("link")->st_size, 4'095);
  EXPECT_EQ(world.status("fifo")->st_mode, S_IFIFO | 0620U);
  EXPECT_EQ(world.status("socket")->st_mode, S_IFSOCK | 0600U);
  EXPECT_EQ(world.status("char")->st_rdev, makedev(4095, 1'048'575));
  EXPECT_EQ(world.status("block")->st_mode, S_IFBLK | 0660U);
  EXPECT_EQ(world.status("block")->st_rdev, makedev(8, 1));
  EXPECT_EQ(errno_of_result(world.tree().open_file(world.inode("fifo"), O_RDONLY)), ENXIO);
  EXPECT_EQ(errno_of_result(world.tree().open_file(world.inode("link"), O_RDONLY)), ELOOP);
  EXPECT_EQ(errno_of_result(world.tree().set_attributes(world.inode("fifo"), with_length(0))), EINVAL);
  EXPECT_EQ(errno_of_result(world.tree().set_attributes(kRootInode, with_length(0))), EISDIR);
}

TEST(TreeAttributes, SymlinkTargetsHaveTheirLimits) {
  TreeWorld world;
  const Caller caller = world.caller();
  EXPECT_EQ(errno_of_result(world.tree().make_symlink(kRootInode, "a", "", caller)), ENOENT);
  EXPECT_EQ(errno_of_result(world.tree().make_symlink(kRootInode, "a", std::string(4'096, 't'), caller)),
            ENAMETOOLONG);
}

TEST(TreeAttributes, TimesAreSetAloneOrToNow) {
  TreeWorld world;
  const InodeNumber inode = world.make_file("a", "content");
  AttributeChanges changes;
  changes.modification_time = timespec{1'000'000'000, 123'456'789};
  changes.access_time = timespec{999'999'999, 1};
  auto changed = world.tree().set_attributes(inode, changes);
  ASSERT_TRUE(is_ok(changed));
  EXPECT_EQ(changed->st_mtim.tv_nsec, 123'456'789);
  changes = {};
  changes.access_time = timespec{0, UTIME_NOW};
  changed = world.tree().set_attributes(inode, changes);
  ASSERT_TRUE(is_ok(changed));
  EXPECT_EQ(changed->st_mtim.tv_sec, 1'000'000'000);
  EXPECT_GT(changed->st_atim.tv_sec, 1'600'000'000);
}

TEST(TreeAttributes, TimesSetBeforeCloseOutliveTheSeal) {
  TreeWorld world;
  auto created = world.tree().create(kRootInode, "a", 0644, world.caller());
  ASSERT_TRUE(is_ok(created));
  ASSERT_TRUE(is_ok(created->handle->write(0, as_bytes("content"))));
  AttributeChanges changes;
  changes.modification_time = timespec{1'000'000'000, 5};
  ASSERT_TRUE(is_ok(world.tree().set_attributes(created->entry.inode, changes)));
  ASSERT_TRUE(is_ok(created->handle->flush()));
  ASSERT_TRUE(is_ok(created->handle->release()));
  EXPECT_EQ(world.status("a")->st_mtim.tv_sec, 1'000'000'000);
  EXPECT_EQ(world.status("a")->st_mtim.tv_nsec, 5);
}

TEST(TreeAttributes, LengthChangesWithAndWithoutAnOpenHandle) {
  TreeWorld world;
  const InodeNumber inode = world.make_file("a", "content");
  EXPECT_EQ(world.tree().set_attributes(inode, with_length(3))->st_size, 3);
  auto handle = world.tree().open_file(inode, O_RDWR);
  ASSERT_TRUE(is_ok(handle));
  EXPECT_EQ(world.tree().set_attributes(inode, with_length(5))->st_size, 5);
  ASSERT_TRUE(is_ok((*handle)->release()));
  EXPECT_EQ(world.read("a").value_or(""), std::string("con\0\0", 5));
  ASSERT_TRUE(is_ok(world.write("a", "shorter")));
  EXPECT_EQ(world.read("a").value_or(""), "shorter");
}

TEST(TreeAttributes, AReaderAndAWriterShareOneContent) {
  TreeWorld world;
  const InodeNumber inode = world.make_file("a", "content");
  auto reader = world.tree().open_file(inode, O_RDONLY);
  auto writer = world.tree().open_file(inode, O_WRONLY);
  ASSERT_TRUE(is_ok(reader) && is_ok(writer));
  EXPECT_EQ(&(*reader)->body(), &(*writer)->body());
  EXPECT_EQ(errno_of_result((*reader)->write(0, as_bytes("x"))), EBADF);
  ASSERT_TRUE(is_ok((*writer)->write(7, as_bytes("s"))));
  EXPECT_EQ(world.tree().attributes(inode)->st_size, 8);
}

TEST(TreeAttributes, ANewFileInASetgidDirectoryGetsItsGroup) {
  TreeWorld world;
  const bool is_root = ::geteuid() == 0;
  const InodeNumber directory = world.make_directory("d");
  AttributeChanges changes = with_mode(02770);
  if (is_root) changes.gid = 4242;
  ASSERT_TRUE(is_ok(world.tree().set_attributes(directory, changes)));
  const gid_t group = world.tree().attributes(directory)->st_gid;
  const Caller caller = is_root ? Caller{1234, 5678} : world.caller();
  auto file = world.tree().create(directory, "f", 0640, caller);
  auto below = world.tree().make_directory(directory, "e", 0750, caller);
  auto link = world.tree().make_symlink(directory, "l", "target", caller);
  ASSERT_TRUE(is_ok(file) && is_ok(below) && is_ok(link));
  EXPECT_EQ(file->entry.attributes.st_gid, group);
  EXPECT_EQ(below->attributes.st_gid, group);
  EXPECT_EQ(below->attributes.st_mode, S_IFDIR | 02750U);
  EXPECT_EQ(link->attributes.st_uid, caller.uid);
}

// To whom it is given, as root; else to us.
TEST(TreeAttributes, ANewFileBelongsToTheCallerWithItsSetIdBits) {
  TreeWorld world;
  const Caller caller = ::geteuid() == 0 ? Caller{1234, 5678} : world.caller();
  auto file = world.tree().create(kRootInode, "f", 04711, caller);
  ASSERT_TRUE(is_ok(file));
  EXPECT_EQ(file->entry.attributes.st_uid, caller.uid);
  EXPECT_EQ(file->entry.attributes.st_gid, caller.gid);
  EXPECT_EQ(file->entry.attributes.st_mode, S_IFREG | 04711U);
  auto node = world.tree().make_node(kRootInode, "n", S_IFIFO | 0600, 0, caller);
  EXPECT_EQ(node->attributes.st_uid, caller.uid);
}

TEST(TreeAttributes, AnOrdinaryUserReadsWhatItsModeForbids) {
  as_ordinary_user([] {
    TreeWorld world;
    const InodeNumber inode = world.make_file("a", "content", 0000);
    EXPECT_EQ(world.read("a").value_or(""), "content");
    EXPECT_TRUE(is_ok(world.write("a", "written")));
    EXPECT_EQ(world.tree().attributes(inode)->st_mode, S_IFREG | 0U);
    world.make_symlink("link", "target");
    EXPECT_TRUE(is_ok(world.tree().set_attributes(inode, with_mode(0400))));
    world.reopen();
    EXPECT_EQ(world.read("a").value_or(""), "written");
    EXPECT_TRUE(is_ok(world.write("a", "again")));
    EXPECT_EQ(world.status("a")->st_mode, S_IFREG | 0400U);
    EXPECT_EQ(world.tree().read_link(world.inode("link")).value_or(""), "target");
  });
}

TEST(TreeAttributes, AnOrdinaryUserRemovesAndListsADirectoryThatItMayNotChange) {
  as_ordinary_user([] {
    TreeWorld world;
    const InodeNumber closed = world.make_directory("closed", 0500);
    const InodeNumber unsearchable = world.make_directory("unsearchable");
    world.make_file("unsearchable/a");
    world.make_directory("target", 0555);
    ASSERT_TRUE(is_ok(world.tree().set_attributes(unsearchable, with_mode(0600))));
    EXPECT_EQ(world.names("unsearchable"), std::set<std::string>{"a"});
    EXPECT_EQ(world.status("unsearchable")->st_mode, S_IFDIR | 0600U);
    EXPECT_EQ(errno_of_result(world.remove_directory("unsearchable")), ENOTEMPTY);
    EXPECT_EQ(world.status("unsearchable")->st_mode, S_IFDIR | 0600U);
    EXPECT_TRUE(is_ok(world.rename("closed", "target")));
    EXPECT_TRUE(is_ok(world.remove_directory("target")));
    EXPECT_EQ(world.tree().attributes(closed)->st_mode, S_IFDIR | 0500U);
  });
}

TEST(TreeAttributes, TheFilesystemTakesNamesOf255Bytes) {
  TreeWorld world;
  auto filesystem = world.tree().filesystem();
  ASSERT_TRUE(is_ok(filesystem));
  EXPECT_EQ(filesystem->f_namemax, 255U);
  EXPECT_GT(filesystem->f_blocks, 0U);
}

TEST(TreeAttributes, AReadOnlyVolumeTakesNoChange) {
  TreeWorld world;
  world.make_directory("d");
  const InodeNumber file = world.make_file("a", "content");
  world.set_read_only(true);
  Volume& tree = world.tree();
  const Caller caller = world.caller();
  EXPECT_EQ(errno_of_result(tree.create(kRootInode, "b", 0644, caller)), EROFS);
  EXPECT_EQ(errno_of_result(tree.make_directory(kRootInode, "b", 0755, caller)), EROFS);
  EXPECT_EQ(errno_of_result(tree.make_symlink(kRootInode, "b", "t", caller)), EROFS);
  EXPECT_EQ(errno_of_result(tree.make_node(kRootInode, "b", S_IFIFO | 0600, 0, caller)), EROFS);
  EXPECT_EQ(errno_of_result(tree.link(file, kRootInode, "b")), EROFS);
  EXPECT_EQ(errno_of_result(world.unlink("a")), EROFS);
  EXPECT_EQ(errno_of_result(world.remove_directory("d")), EROFS);
  EXPECT_EQ(errno_of_result(world.rename("a", "b")), EROFS);
  EXPECT_EQ(errno_of_result(tree.set_attributes(file, with_mode(0600))), EROFS);
  EXPECT_EQ(errno_of_result(tree.set_xattr(file, "user.a", as_bytes("v"), 0)), EROFS);
  EXPECT_EQ(errno_of_result(tree.remove_xattr(file, "user.a")), EROFS);
  EXPECT_EQ(errno_of_result(tree.open_file(file, O_RDWR)), EROFS);
  EXPECT_EQ(errno_of_result(tree.set_attributes(file, with_length(0))), EROFS);
  EXPECT_EQ(world.read("a").value_or(""), "content");
  EXPECT_EQ(world.names(), (std::set<std::string>{"a", "d"}));
}

}  // namespace
}  // namespace enfold
