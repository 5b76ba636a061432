// Open files: what a descriptor means when its name is gone or is another file's.
#include <unistd.h>

#include "tests/conformance/implementations.h"

namespace enfold {
namespace {

class OpenFiles : public Conformance {
 protected:
  // Each attribute is changed through the slot, and read there again.
  void change_everything_through(Slot slot) {
    ASSERT_DONE(fs->fchmod(slot, 0751));
    EXPECT_EQ(fs->fstat(slot)->st_mode & 07777, 0751U);
    ASSERT_DONE(fs->set_times(slot, Times{timespec{1000, 1}, timespec{2000, 2}}));
    EXPECT_EQ(fs->fstat(slot)->st_mtim.tv_sec, 2000);
    ASSERT_DONE(fs->ftruncate(slot, 3));
    EXPECT_EQ(fs->fstat(slot)->st_size, 3);
    ASSERT_DONE(fs->ftruncate(slot, 10'000));
    ASSERT_DONE(fs->write(slot, 9'998, "end"));
    EXPECT_EQ(fs->fstat(slot)->st_size, 10'001);
    EXPECT_EQ(fs->read(slot, 9'997, 100).value(), std::string("\0end", 4));
    ASSERT_DONE(fs->fchown(slot, ::geteuid(), ::getegid()));
    ASSERT_DONE(fs->sync(slot));
  }

  void expect_untouched(const std::string& path, const std::string& expected) {
    EXPECT_EQ(content(path), expected);
    EXPECT_EQ(mode(path), 0640U);
    EXPECT_EQ(status(path).st_mtim.tv_sec, 7000);
    EXPECT_EQ(status(path).st_nlink, 1U);
  }
};

TEST_P(OpenFiles, ThatWereUnlinkedGoOn) {
  ASSERT_DONE(fs->open(1, "file", O_RDWR | O_CREAT, 0644));
  ASSERT_DONE(fs->write(1, 0, "content"));
  const ino_t number = fs->fstat(1)->st_ino;
  ASSERT_DONE(fs->unlink("file"));
  EXPECT_EQ(fs->fstat(1)->st_nlink, 0U);
  EXPECT_EQ(fs->fstat(1)->st_size, 7);
  EXPECT_EQ(fs->fstat(1)->st_ino, number);
  EXPECT_EQ(fs->read(1, 0, 100).value(), "content");
  change_everything_through(1);
  EXPECT_EQ(fs->fstat(1)->st_nlink, 0U);
  ASSERT_DONE(fs->close(1));
  EXPECT_ERRNO(ENOENT, fs->lstat("file"));
}

TEST_P(OpenFiles, ThatWereUnlinkedNeverTouchTheirSuccessor) {
  ASSERT_DONE(fs->open(1, "file", O_RDWR | O_CREAT, 0644));
  ASSERT_DONE(fs->write(1, 0, "first"));
  ASSERT_DONE(fs->unlink("file"));
  make_file("file", "second", 0640);
  set_times("file", 7000, 7000);
  EXPECT_NE(fs->fstat(1)->st_ino, status("file").st_ino);
  change_everything_through(1);
  expect_untouched("file", "second");
  ASSERT_DONE(fs->close(1));
  now_and_after_a_remount([&] { expect_untouched("file", "second"); });
}

TEST_P(OpenFiles, ThatWereRenamedOverNeverTouchTheirSuccessor) {
  make_file("file", "first");
  ASSERT_DONE(fs->open(1, "file", O_RDWR, 0));
  make_file("other", "second", 0640);
  set_times("other", 7000, 7000);
  ASSERT_DONE(fs->rename("other", "file", 0));
  EXPECT_EQ(fs->fstat(1)->st_nlink, 0U);
  EXPECT_EQ(fs->fstat(1)->st_size, 5);
  EXPECT_EQ(fs->read(1, 0, 100).value(), "first");
  change_everything_through(1);
  expect_untouched("file", "second");
  ASSERT_DONE(fs->close(1));
  now_and_after_a_remount([&] { expect_untouched("file", "second"); });
}

TEST_P(OpenFiles, OpenedReadOnlyAreChangedByDescriptorThoughRenamedOver) {
  make_file("file", "first");
  ASSERT_DONE(fs->open(1, "file", O_RDONLY, 0));
  make_file("other", "second", 0640);
  set_times("other", 7000, 7000);
  ASSERT_DONE(fs->rename("other", "file", 0));
  ASSERT_DONE(fs->fchmod(1, 0600));
  ASSERT_DONE(fs->set_times(1, Times{timespec{1, 1}, timespec{2, 2}}));
  EXPECT_ERRNO(EINVAL, fs->ftruncate(1, 0));
  EXPECT_ERRNO(EBADF, fs->write(1, 0, "x"));
  EXPECT_EQ(fs->fstat(1)->st_mtim.tv_sec, 2);
  expect_untouched("file", "second");
}

TEST_P(OpenFiles, KeepOneOfSeveralNames) {
  ASSERT_DONE(fs->open(1, "a", O_RDWR | O_CREAT, 0644));
  ASSERT_DONE(fs->link("a", "b"));
  ASSERT_DONE(fs->unlink("a"));
  EXPECT_EQ(fs->fstat(1)->st_nlink, 1U);
  ASSERT_DONE(fs->write(1, 0, "content"));
  EXPECT_EQ(content("b"), "content");
  EXPECT_EQ(status("b").st_size, 7);
}

TEST_P(OpenFiles, FollowTheirFileThroughRenamesAndExchanges) {
  make_file("a", "A");
  make_file("b", "B");
  ASSERT_DONE(fs->mkdir("dir", 0755));
  ASSERT_DONE(fs->open(1, "a", O_RDWR, 0));
  ASSERT_DONE(fs->open(2, "b", O_RDWR, 0));
  ASSERT_DONE(fs->rename("a", "b", RENAME_EXCHANGE));
  ASSERT_DONE(fs->rename("a", "dir/b", 0));
  ASSERT_DONE(fs->write(1, 1, "-one"));
  ASSERT_DONE(fs->write(2, 1, "-two"));
  ASSERT_DONE(fs->fchmod(1, 0601));
  EXPECT_EQ(content("b"), "A-one");
  EXPECT_EQ(content("dir/b"), "B-two");
  EXPECT_EQ(mode("b"), 0601U);
  EXPECT_EQ(mode("dir/b"), 0644U);
}

TEST_P(OpenFiles, OfRemovedDirectoriesAnswer) {
  ASSERT_DONE(fs->mkdir("dir", 0755));
  ASSERT_DONE(fs->open(1, "dir", O_RDONLY | O_DIRECTORY, 0));
  ASSERT_DONE(fs->rmdir("dir"));
  EXPECT_EQ(fs->fstat(1)->st_nlink, 0U);
  EXPECT_DONE(fs->fchmod(1, 0700));
  EXPECT_EQ(fs->fstat(1)->st_mode & 07777, 0700U);
  ASSERT_DONE(fs->mkdir("dir", 0750));
  EXPECT_EQ(mode("dir"), 0750U);
}

// Our own marker goes before the directory does: that moved its time.
TEST_P(OpenFiles, OfRemovedAndReplacedDirectoriesKeepTheirTime) {
  for (const char* name : {"removed", "replaced", "other"}) ASSERT_DONE(fs->mkdir(name, 0755));
  ASSERT_DONE(fs->open(1, "removed", O_RDONLY | O_DIRECTORY, 0));
  ASSERT_DONE(fs->open(2, "replaced", O_RDONLY | O_DIRECTORY, 0));
  for (const Slot slot : {1, 2})
    ASSERT_DONE(fs->set_times(slot, Times{timespec{1000, 1}, timespec{2000, 2}}));
  ASSERT_DONE(fs->rmdir("removed"));
  ASSERT_DONE(fs->rename("other", "replaced", 0));
  for (const Slot slot : {1, 2}) {
    ASSERT_DONE(fs->fchmod(slot, 0700));  // which also gives a kernel that remembers the new attributes
    const auto left = fs->fstat(slot);
    EXPECT_EQ(left->st_nlink, 0U);
    EXPECT_EQ(left->st_mtim.tv_sec, 2000) << slot;
    EXPECT_EQ(left->st_mtim.tv_nsec, 2) << slot;
  }
}

TEST_P(OpenFiles, AreCutByOTruncAndKeepTheirOtherDescriptors) {
  make_file("file", std::string(10'000, 'x'));
  ASSERT_DONE(fs->open(1, "file", O_RDWR, 0));
  ASSERT_DONE(fs->open(2, "file", O_WRONLY | O_TRUNC, 0));
  EXPECT_EQ(fs->fstat(1)->st_size, 0);
  EXPECT_EQ(fs->read(1, 0, 100).value(), "");
  ASSERT_DONE(fs->write(1, 5000, "y"));
  EXPECT_EQ(fs->read(1, 0, 10'000).value(), std::string(5000, '\0') + "y");
  EXPECT_ERRNO(EBADF, fs->read(2, 0, 1));
  ASSERT_DONE(fs->open(3, "file", O_RDWR | O_CREAT | O_TRUNC, 0600));
  EXPECT_EQ(status("file").st_size, 0);
  EXPECT_EQ(mode("file"), 0644U);
}

TEST_P(OpenFiles, AppendAtTheEndWhoeverMovedIt) {
  ASSERT_DONE(fs->open(1, "file", O_WRONLY | O_CREAT | O_APPEND, 0644));
  ASSERT_DONE(fs->open(2, "file", O_RDWR | O_APPEND, 0));
  ASSERT_DONE(fs->open(3, "file", O_RDWR, 0));
  ASSERT_DONE(fs->write(1, 0, "one,"));
  ASSERT_DONE(fs->write(2, 0, "two,"));
  ASSERT_DONE(fs->write(3, 8, "three,"));
  ASSERT_DONE(fs->write(1, 3, "four"));
  EXPECT_EQ(content("file"), "one,two,three,four");
  ASSERT_DONE(fs->ftruncate(3, 4));
  ASSERT_DONE(fs->write(2, 100, "five"));
  EXPECT_EQ(content("file"), "one,five");
}

TEST_P(OpenFiles, CannotOpenWhatIsNoFile) {
  ASSERT_DONE(fs->mkdir("dir", 0755));
  make_file("file");
  EXPECT_ERRNO(EISDIR, fs->open(1, "dir", O_RDWR, 0));
  EXPECT_ERRNO(EISDIR, fs->open(1, "dir", O_RDONLY | O_CREAT, 0644));
  EXPECT_ERRNO(ENOTDIR, fs->open(1, "file", O_RDONLY | O_DIRECTORY, 0));
  EXPECT_ERRNO(ENOTDIR, fs->open(1, "file/below", O_RDONLY | O_CREAT, 0644));
  EXPECT_ERRNO(ENOENT, fs->open(1, "missing", O_RDWR, 0));
  EXPECT_ERRNO(ENOENT, fs->open(1, "missing/file", O_RDWR | O_CREAT, 0644));
}

ENFOLD_RUN_SUITE(OpenFiles, implementations);

}  // namespace
}  // namespace enfold
