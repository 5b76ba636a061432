// Times: what is set, what is left alone, what moves by itself.
#include <unistd.h>

#include <ctime>

#include "tests/conformance/implementations.h"

namespace enfold {
namespace {

class FileTimes : public Conformance {
 protected:
  static constexpr timespec kOmit = {0, UTIME_OMIT};
  static constexpr timespec kNow = {0, UTIME_NOW};

  // "accessed modified", with "now" for what lies in the last minutes.
  std::string times(const std::string& path) {
    const struct stat at = status(path);
    return describe_time(at.st_atim) + " " + describe_time(at.st_mtim);
  }

 private:
  static std::string describe_time(const timespec& time) {
    if (time.tv_sec > std::time(nullptr) - 600) return "now";
    return std::to_string(time.tv_sec) + "." + std::to_string(time.tv_nsec);
  }
};

TEST_P(FileTimes, AreSetToTheNanosecondOnEachType) {
  make_each_type("");
  for (const std::string& type : kTypes)
    ASSERT_DONE(
        fs->set_times(type, Times{timespec{1'111'111'111, 123'456'789}, timespec{999'999'999, 987'654'321}}));
  now_and_after_a_remount([&] {
    for (const std::string& type : kTypes)
      EXPECT_EQ(times(type), "1111111111.123456789 999999999.987654321") << type;
  });
}

TEST_P(FileTimes, OmittedStayAsTheyAreOnEachType) {
  make_each_type("");
  for (const std::string& type : kTypes) {
    SCOPED_TRACE(type);
    set_times(type, 1000, 2000);
    ASSERT_DONE(fs->set_times(type, Times{timespec{3000, 3}, kOmit}));
    EXPECT_EQ(times(type), "3000.3 2000.2");
    ASSERT_DONE(fs->set_times(type, Times{kOmit, timespec{4000, 4}}));
    EXPECT_EQ(times(type), "3000.3 4000.4");
    ASSERT_DONE(fs->set_times(type, Times{kOmit, kOmit}));
    EXPECT_EQ(times(type), "3000.3 4000.4");
    ASSERT_DONE(fs->set_times(type, Times{kNow, kOmit}));
    EXPECT_EQ(times(type), "now 4000.4");
    ASSERT_DONE(fs->set_times(type, Times{timespec{5000, 5}, kNow}));
    EXPECT_EQ(times(type), "5000.5 now");
  }
}

TEST_P(FileTimes, OmittedBothMoveNoChangeTime) {
  make_file("file");
  EXPECT_EQ(moved_times("file", [&] { ASSERT_DONE(fs->set_times("file", Times{kOmit, kOmit})); }), "");
  EXPECT_EQ(moved_times("file",
                        [&] {
                          ASSERT_DONE(fs->set_times("file", Times{timespec{5, 0}, kOmit}));
                        }),
            "c");
}

TEST_P(FileTimes, SetThroughAnOpenFileStayThoughItWasWritten) {
  ASSERT_DONE(fs->open(1, "file", O_RDWR | O_CREAT, 0644));
  ASSERT_DONE(fs->write(1, 0, "content"));
  ASSERT_DONE(fs->set_times(1, Times{timespec{1000, 1}, timespec{2000, 2}}));
  EXPECT_EQ(times("file"), "1000.1 2000.2");
  ASSERT_DONE(fs->close(1));
  now_and_after_a_remount([&] { EXPECT_EQ(times("file"), "1000.1 2000.2"); });
}

TEST_P(FileTimes, BeforeTheEpochAndBeyond2038AreKept) {
  make_file("file");
  ASSERT_DONE(fs->set_times("file", Times{timespec{-1'000'000, 5}, timespec{-1, 999'999'999}}));
  now_and_after_a_remount([&] {
    EXPECT_EQ(status("file").st_atim.tv_sec, -1'000'000);
    EXPECT_EQ(status("file").st_mtim.tv_sec, -1);
    EXPECT_EQ(status("file").st_mtim.tv_nsec, 999'999'999);
  });
  make_file("later");
  ASSERT_DONE(fs->set_times("later", Times{timespec{5'000'000'000, 5}, timespec{6'000'000'000, 6}}));
  EXPECT_EQ(status("later").st_mtim.tv_sec, 6'000'000'000);
}

TEST_P(FileTimes, MoveWithTheContent) {
  make_file("file", "content");
  const auto with_open_file = [&](int flags, const std::function<void()>& step) {
    return [this, flags, step] {
      ASSERT_DONE(fs->open(1, "file", flags, 0));
      step();
      ASSERT_DONE(fs->close(1));
    };
  };
  EXPECT_EQ(moved_times("file", with_open_file(O_RDWR, [&] { ASSERT_DONE(fs->write(1, 0, "x")); })), "mc");
  EXPECT_EQ(moved_times("file", with_open_file(O_RDWR, [&] { ASSERT_DONE(fs->ftruncate(1, 3)); })), "mc");
  EXPECT_EQ(moved_times("file", with_open_file(O_RDWR, [&] { ASSERT_DONE(fs->ftruncate(1, 30'000)); })),
            "mc");
  EXPECT_EQ(moved_times("file", [&] { ASSERT_DONE(fs->truncate("file", 20)); }), "mc");
  EXPECT_EQ(moved_times("file", with_open_file(O_WRONLY | O_TRUNC, [] {})), "mc");
  EXPECT_EQ(moved_times("file", with_open_file(O_RDWR, [] {})), "");
  EXPECT_EQ(moved_times("file", with_open_file(O_RDWR, [&] { ASSERT_DONE(fs->write(1, 0, "")); })), "");
  EXPECT_EQ(moved_times("file", with_open_file(O_RDWR, [&] { ASSERT_DONE(fs->sync(1)); })), "");
}

// POSIX, ftruncate(): "shall mark for update", whether or not the size changes; so does open() with O_TRUNC.
TEST_P(FileTimes, MoveWithATruncationToTheSameSize) {
  make_file("file", "content");
  EXPECT_EQ(moved_times("file",
                        [&] {
                          ASSERT_DONE(fs->open(1, "file", O_RDWR, 0));
                          ASSERT_DONE(fs->ftruncate(1, 7));
                          ASSERT_DONE(fs->close(1));
                        }),
            "mc");
  make_file("empty");
  EXPECT_EQ(moved_times("empty",
                        [&] {
                          ASSERT_DONE(fs->open(1, "empty", O_WRONLY | O_TRUNC, 0));
                          ASSERT_DONE(fs->close(1));
                        }),
            "mc");
}

TEST_P(FileTimes, OfADirectoryMoveWithItsEntries) {
  ASSERT_DONE(fs->mkdir("dir", 0755));
  ASSERT_DONE(fs->mkdir("other", 0755));
  make_file("dir/file");
  EXPECT_EQ(moved_times("dir", [&] { make_file("dir/new"); }), "mc");
  EXPECT_EQ(moved_times("dir", [&] { ASSERT_DONE(fs->unlink("dir/new")); }), "mc");
  EXPECT_EQ(moved_times("dir", [&] { ASSERT_DONE(fs->mkdir("dir/sub", 0755)); }), "mc");
  EXPECT_EQ(moved_times("dir", [&] { ASSERT_DONE(fs->rmdir("dir/sub")); }), "mc");
  EXPECT_EQ(moved_times("dir", [&] { ASSERT_DONE(fs->symlink("t", "dir/symlink")); }), "mc");
  EXPECT_EQ(moved_times("dir", [&] { ASSERT_DONE(fs->mknod("dir/fifo", S_IFIFO | 0600, 0)); }), "mc");
  EXPECT_EQ(moved_times("dir", [&] { ASSERT_DONE(fs->rename("dir/file", "dir/renamed", 0)); }), "mc");
  EXPECT_EQ(moved_times("dir", [&] { ASSERT_DONE(fs->rename("dir/renamed", "other/file", 0)); }), "mc");
  EXPECT_EQ(moved_times("dir", [&] { ASSERT_DONE(fs->rename("other/file", "dir/file", 0)); }), "mc");
  EXPECT_EQ(moved_times("dir", [&] { ASSERT_DONE(fs->truncate("dir/file", 5)); }), "");
  EXPECT_EQ(moved_times("dir", [&] { ASSERT_DONE(fs->chmod("dir/file", 0600)); }), "");
}

TEST_P(FileTimes, OfADirectoryStayWhenAChangeIsRefused) {
  ASSERT_DONE(fs->mkdir("dir", 0755));
  ASSERT_DONE(fs->mkdir("dir/sub", 0755));
  make_file("dir/sub/file");
  ASSERT_DONE(fs->mkdir("dir/empty", 0755));
  EXPECT_EQ(moved_times("dir/sub", [&] { EXPECT_ERRNO(ENOTEMPTY, fs->rmdir("dir/sub")); }), "");
  EXPECT_EQ(moved_times("dir/sub", [&] { EXPECT_ERRNO(ENOTEMPTY, fs->rename("dir/empty", "dir/sub", 0)); }),
            "");
  EXPECT_EQ(moved_times("dir/sub", [&] { EXPECT_ERRNO(EEXIST, fs->mkdir("dir/sub/file", 0755)); }), "");
  EXPECT_EQ(moved_times("dir", [&] { EXPECT_ERRNO(ENOENT, fs->unlink("dir/missing")); }), "");
}

TEST_P(FileTimes, OfChangesMoveWithModeOwnerAndXattrs) {
  make_each_type("");
  for (const std::string& type : kTypes) {
    SCOPED_TRACE(type);
    EXPECT_EQ(moved_times(type, [&] { ASSERT_DONE(fs->lchown(type, ::geteuid(), ::getegid())); }), "c");
    const auto there_and_back = [&] {
      ASSERT_DONE(fs->rename(type, "renamed", 0));
      ASSERT_DONE(fs->rename("renamed", type, 0));
    };
    EXPECT_EQ(moved_times(type, there_and_back), "c");
    if (type == "symlink") continue;
    EXPECT_EQ(moved_times(type, [&] { ASSERT_DONE(fs->chmod(type, 0700)); }), "c");
  }
  EXPECT_EQ(moved_times("file", [&] { ASSERT_DONE(fs->set_xattr("file", "user.a", "b", 0)); }), "c");
  EXPECT_EQ(moved_times("file", [&] { ASSERT_DONE(fs->remove_xattr("file", "user.a")); }), "c");
}

ENFOLD_RUN_SUITE(FileTimes, implementations);

}  // namespace
}  // namespace enfold
