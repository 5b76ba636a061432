// Renames over all pairs of types, with each flag.
#include "tests/conformance/implementations.h"

namespace enfold {
namespace {

class Renames : public Conformance {
 protected:
  bool is_directory(const std::string& type) { return type == "empty" || type == "full"; }

  // What rename(2) without flags says for a source over a target of these types.
  int expected(const std::string& source, const std::string& target) {
    if (is_directory(source) && !is_directory(target)) return ENOTDIR;
    if (!is_directory(source) && is_directory(target)) return EISDIR;
    return target == "full" ? ENOTEMPTY : 0;
  }

  // A fresh pair of directories, one object of each type in each.
  std::string fresh_pair() {
    const std::string root = "pair" + std::to_string(++pairs_);
    for (const std::string& path : {root, root + "/from", root + "/to"}) EXPECT_DONE(fs->mkdir(path, 0755));
    make_each_type(root + "/from");
    make_each_type(root + "/to");
    return root;
  }

  // The inode number, 0 where there is none.
  ino_t number(const std::string& path) {
    const auto at = fs->lstat(path);
    return at ? at->st_ino : 0;
  }

 private:
  int pairs_ = 0;
};

TEST_P(Renames, OverEachTypeDoWhatLinuxSays) {
  for (const std::string& source : kTypes)
    for (const std::string& target : kTypes) {
      SCOPED_TRACE(source + " over " + target);
      const std::string root = fresh_pair();
      const ino_t moved = number(root + "/from/" + source);
      const int error = expected(source, target);
      EXPECT_ERRNO(error, fs->rename(root + "/from/" + source, root + "/to/" + target, 0));
      EXPECT_EQ(number(root + "/to/" + target) == moved, error == 0);
      EXPECT_EQ(number(root + "/from/" + source), error == 0 ? 0 : moved);
      if (error == 0 && source == "full") {
        EXPECT_EQ(content(root + "/to/" + target + "/inside"), "x");
      }
      if (error != 0 && target == "full") {
        EXPECT_EQ(content(root + "/to/full/inside"), "x");
      }
    }
}

TEST_P(Renames, WithNoreplaceNeverReplaceAnything) {
  const std::string root = fresh_pair();
  for (const std::string& source : kTypes) {
    for (const std::string& target : kTypes)
      EXPECT_ERRNO(EEXIST, fs->rename(root + "/from/" + source, root + "/to/" + target, RENAME_NOREPLACE))
          << source << " over " << target;
    EXPECT_ERRNO(EEXIST, fs->rename(root + "/from/" + source, root + "/from/" + source, RENAME_NOREPLACE));
    const ino_t moved = number(root + "/from/" + source);
    EXPECT_DONE(fs->rename(root + "/from/" + source, root + "/to/new-" + source, RENAME_NOREPLACE));
    EXPECT_EQ(number(root + "/to/new-" + source), moved);
    EXPECT_EQ(number(root + "/from/" + source), 0U);
  }
}

TEST_P(Renames, ThatExchangeSwapEachPairOfTypes) {
  for (const std::string& source : kTypes)
    for (const std::string& target : kTypes) {
      SCOPED_TRACE(source + " and " + target);
      const std::string root = fresh_pair();
      const ino_t left = number(root + "/from/" + source);
      const ino_t right = number(root + "/to/" + target);
      EXPECT_DONE(fs->rename(root + "/from/" + source, root + "/to/" + target, RENAME_EXCHANGE));
      EXPECT_EQ(number(root + "/from/" + source), right);
      EXPECT_EQ(number(root + "/to/" + target), left);
      if (source == "full") {
        EXPECT_EQ(content(root + "/to/" + target + "/inside"), "x");
      }
      if (target == "full") {
        EXPECT_EQ(content(root + "/from/" + source + "/inside"), "x");
      }
      if (source == "file") {
        EXPECT_EQ(content(root + "/to/" + target), "content");
      }
    }
  fs->remount();
  EXPECT_EQ(content("pair1/to/file"), "content");
}

TEST_P(Renames, ThatExchangeWithNothingAreRefused) {
  const std::string root = fresh_pair();
  for (const std::string& type : kTypes) {
    EXPECT_ERRNO(ENOENT, fs->rename(root + "/from/" + type, root + "/to/missing", RENAME_EXCHANGE));
    EXPECT_ERRNO(ENOENT, fs->rename(root + "/to/missing", root + "/from/" + type, RENAME_EXCHANGE));
    EXPECT_ERRNO(
        EINVAL, fs->rename(root + "/from/" + type, root + "/to/" + type, RENAME_EXCHANGE | RENAME_NOREPLACE));
  }
}

TEST_P(Renames, IntoTheirOwnSubtreeAreRefused) {
  ASSERT_DONE(fs->mkdir("a", 0755));
  ASSERT_DONE(fs->mkdir("a/b", 0755));
  ASSERT_DONE(fs->mkdir("a/b/c", 0755));
  make_file("a/b/file");
  for (const unsigned flags : {0U, unsigned{RENAME_NOREPLACE}}) {
    EXPECT_ERRNO(EINVAL, fs->rename("a", "a/new", flags));
    EXPECT_ERRNO(EINVAL, fs->rename("a", "a/b/new", flags));
    EXPECT_ERRNO(EINVAL, fs->rename("a/b", "a/b/c/new", flags));
  }
  EXPECT_ERRNO(EINVAL, fs->rename("a", "a/b/c", 0));
  EXPECT_ERRNO(ENOTEMPTY, fs->rename("a/b/c", "a", 0));
  EXPECT_ERRNO(ENOTEMPTY, fs->rename("a/b/file", "a", 0));
  EXPECT_ERRNO(EINVAL, fs->rename("a", "a/b", RENAME_EXCHANGE));
  EXPECT_ERRNO(EINVAL, fs->rename("a/b/c", "a", RENAME_EXCHANGE));
  EXPECT_ERRNO(EINVAL, fs->rename("a/b/file", "a", RENAME_EXCHANGE));
  EXPECT_DONE(fs->lstat("a/b/c"));
}

TEST_P(Renames, OverTheSameFileDoNothing) {
  make_file("a", "content");
  ASSERT_DONE(fs->link("a", "b"));
  ASSERT_DONE(fs->mkdir("dir", 0755));
  for (const unsigned flags : {0U, unsigned{RENAME_EXCHANGE}}) {
    EXPECT_DONE(fs->rename("a", "b", flags));
    EXPECT_DONE(fs->rename("a", "a", flags));
    EXPECT_DONE(fs->rename("dir", "dir", flags));
  }
  EXPECT_EQ(status("a").st_nlink, 2U);
  EXPECT_EQ(number("a"), number("b"));
  EXPECT_ERRNO(EEXIST, fs->rename("a", "b", RENAME_NOREPLACE));
}

TEST_P(Renames, MoveWholeTrees) {
  ASSERT_DONE(fs->mkdir("a", 0755));
  ASSERT_DONE(fs->mkdir("a/b", 0755));
  make_each_type("a/b");
  ASSERT_DONE(fs->mkdir("dir", 0755));
  ASSERT_DONE(fs->rename("a/b", "dir/moved", 0));
  ASSERT_DONE(fs->rename("dir", "a/dir", 0));
  now_and_after_a_remount([&] {
    EXPECT_EQ(content("a/dir/moved/full/inside"), "x");
    EXPECT_EQ(fs->readlink("a/dir/moved/symlink").value(), "target");
    EXPECT_ERRNO(ENOENT, fs->lstat("a/b"));
  });
}

TEST_P(Renames, OfSymlinksMoveTheSymlinkItself) {
  make_file("file", "content");
  ASSERT_DONE(fs->symlink("file", "symlink"));
  make_file("other", "other");
  ASSERT_DONE(fs->rename("other", "symlink", 0));
  EXPECT_EQ(content("symlink"), "other");
  EXPECT_EQ(content("file"), "content");
}

ENFOLD_RUN_SUITE(Renames, implementations);

}  // namespace
}  // namespace enfold
