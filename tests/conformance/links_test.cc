// Hard links: one file, whatever name is asked.
#include "tests/conformance/implementations.h"

namespace enfold {
namespace {

class HardLinks : public Conformance {};

TEST_P(HardLinks, ShowOneFileUnderBothNames) {
  make_file("a", "12345");
  ASSERT_DONE(fs->mkdir("dir", 0755));
  ASSERT_DONE(fs->link("a", "dir/b"));
  now_and_after_a_remount([&] {
    EXPECT_EQ(status("a").st_ino, status("dir/b").st_ino);
    EXPECT_EQ(status("a").st_nlink, 2U);
    EXPECT_EQ(status("dir/b").st_nlink, 2U);
    EXPECT_EQ(content("dir/b"), "12345");
  });
}

TEST_P(HardLinks, AgreeOnTheSizeRightAfterTheLinkAndAfterGrowth) {
  make_file("a", std::string(5000, 'x'));
  EXPECT_EQ(status("a").st_size, 5000);
  ASSERT_DONE(fs->link("a", "b"));
  EXPECT_EQ(status("b").st_size, 5000);
  EXPECT_EQ(status("a").st_size, 5000);
  ASSERT_DONE(fs->open(1, "b", O_RDWR, 0));
  ASSERT_DONE(fs->write(1, 5000, "more"));
  EXPECT_EQ(status("a").st_size, 5004);
  ASSERT_DONE(fs->link("a", "c"));
  EXPECT_EQ(status("c").st_size, 5004);
  ASSERT_DONE(fs->ftruncate(1, 4064));
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(status(name).st_size, 4064) << name;
  ASSERT_DONE(fs->close(1));
  now_and_after_a_remount([&] {
    for (const char* name : {"a", "b", "c"}) EXPECT_EQ(status(name).st_size, 4064) << name;
  });
}

TEST_P(HardLinks, AreOfOneSizeWhenMadeWhileTheFileIsWritten) {
  ASSERT_DONE(fs->open(1, "a", O_RDWR | O_CREAT, 0644));
  ASSERT_DONE(fs->write(1, 0, "first"));
  ASSERT_DONE(fs->link("a", "b"));
  EXPECT_EQ(status("b").st_size, 5);
  ASSERT_DONE(fs->write(1, 10'000, "last"));
  EXPECT_EQ(status("a").st_size, 10'004);
  EXPECT_EQ(status("b").st_size, 10'004);
  EXPECT_EQ(fs->fstat(1)->st_size, 10'004);
  EXPECT_EQ(fs->fstat(1)->st_ino, status("b").st_ino);
}

TEST_P(HardLinks, ShareModeOwnerTimesAndXattrs) {
  make_file("a");
  ASSERT_DONE(fs->link("a", "b"));
  ASSERT_DONE(fs->chmod("b", 0601));
  set_times("b", 123, 456);
  ASSERT_DONE(fs->set_xattr("b", "user.of-b", "value", 0));
  ASSERT_DONE(fs->chmod("a", 0751));
  now_and_after_a_remount([&] {
    EXPECT_EQ(mode("a"), 0751U);
    EXPECT_EQ(mode("b"), 0751U);
    EXPECT_EQ(status("a").st_mtim.tv_sec, 456);
    EXPECT_EQ(fs->get_xattr("a", "user.of-b").value(), "value");
  });
}

TEST_P(HardLinks, MoveTheChangeTimeOfTheFileAndTheModificationTimeOfTheDirectory) {
  make_file("a");
  ASSERT_DONE(fs->mkdir("dir", 0755));
  EXPECT_EQ(moved_times("a", [&] { ASSERT_DONE(fs->link("a", "dir/b")); }), "c");
  EXPECT_EQ(moved_times("dir", [&] { ASSERT_DONE(fs->link("a", "dir/c")); }), "mc");
  EXPECT_EQ(moved_times("a", [&] { ASSERT_DONE(fs->unlink("dir/b")); }), "c");
  EXPECT_EQ(moved_times("a", [&] { ASSERT_DONE(fs->rename("dir/c", "d", 0)); }), "c");
}

TEST_P(HardLinks, StayWhenOneNameGoes) {
  make_file("a", "content");
  ASSERT_DONE(fs->link("a", "b"));
  ASSERT_DONE(fs->link("b", "c"));
  ASSERT_DONE(fs->unlink("a"));
  EXPECT_EQ(status("b").st_nlink, 2U);
  make_file("other", "other");
  ASSERT_DONE(fs->rename("other", "b", 0));
  now_and_after_a_remount([&] {
    EXPECT_EQ(status("c").st_nlink, 1U);
    EXPECT_EQ(content("c"), "content");
    EXPECT_ERRNO(ENOENT, fs->lstat("a"));
  });
}

TEST_P(HardLinks, OfEachTypeButDirectories) {
  ASSERT_DONE(fs->mkdir("dir", 0755));
  make_each_type("dir");
  for (const std::string& type : kTypes) {
    SCOPED_TRACE(type);
    const bool is_directory = S_ISDIR(status("dir/" + type).st_mode);
    EXPECT_ERRNO(is_directory ? EPERM : 0, fs->link("dir/" + type, "link-to-" + type));
    if (is_directory) continue;
    EXPECT_EQ(status("link-to-" + type).st_nlink, 2U);
    EXPECT_EQ(status("link-to-" + type).st_ino, status("dir/" + type).st_ino);
    EXPECT_EQ(status("link-to-" + type).st_mode, status("dir/" + type).st_mode);
    EXPECT_EQ(status("link-to-" + type).st_rdev, status("dir/" + type).st_rdev);
  }
  fs->remount();
  EXPECT_EQ(fs->readlink("link-to-symlink").value(), "target");
  EXPECT_EQ(status("link-to-device").st_ino, status("dir/device").st_ino);
}

TEST_P(HardLinks, AreRefusedOverWhatIsThere) {
  make_file("a");
  make_file("b");
  EXPECT_ERRNO(EEXIST, fs->link("a", "b"));
  EXPECT_ERRNO(EEXIST, fs->link("a", "a"));
  EXPECT_ERRNO(ENOENT, fs->link("missing", "c"));
  EXPECT_ERRNO(ENOENT, fs->link("a", "missing/c"));
  EXPECT_ERRNO(ENOTDIR, fs->link("a", "b/c"));
  EXPECT_EQ(status("a").st_nlink, 1U);
}

TEST_P(HardLinks, ToSymlinksLinkTheSymlinkItself) {
  ASSERT_DONE(fs->symlink("nowhere", "symlink"));
  ASSERT_DONE(fs->link("symlink", "second"));
  EXPECT_EQ(fs->readlink("second").value(), "nowhere");
  EXPECT_EQ(status("second").st_nlink, 2U);
}

// A filesystem below that counts differently (btrfs says 1 for each directory) shows through.
TEST_P(HardLinks, OfADirectoryAreItsNameItselfAndItsSubdirectories) {
  ASSERT_DONE(fs->mkdir("dir", 0755));
  const nlink_t empty = status("dir").st_nlink;
  EXPECT_TRUE(empty == 2 || empty == 1);
  ASSERT_DONE(fs->mkdir("dir/one", 0755));
  ASSERT_DONE(fs->mkdir("dir/two", 0755));
  make_file("dir/file");
  EXPECT_EQ(status("dir").st_nlink, empty == 1 ? 1 : 4U);
  ASSERT_DONE(fs->rename("dir/one", "one", 0));
  EXPECT_EQ(status("dir").st_nlink, empty == 1 ? 1 : 3U);
  ASSERT_DONE(fs->rmdir("dir/two"));
  now_and_after_a_remount([&] { EXPECT_EQ(status("dir").st_nlink, empty); });
}

ENFOLD_RUN_SUITE(HardLinks, implementations);

}  // namespace
}  // namespace enfold
