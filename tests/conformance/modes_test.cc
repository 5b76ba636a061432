// Modes and owners of what is made and changed.
#include <unistd.h>

#include "tests/conformance/implementations.h"

namespace enfold {
namespace {

class Modes : public Conformance {};

constexpr mode_t kModes[] = {0, 0100, 0200, 0300, 0400, 0500, 0700, 0070, 0007, 0640, 0777, 01777, 07777};
constexpr mode_t kUmasks[] = {0, 022, 0077, 0700, 0777};

std::string name_of_mode(mode_t umask, mode_t mode) {
  return std::to_string(umask) + "-" + std::to_string(mode);
}

// Some filesystems over FUSE drop the owner's bits, or lose the umask.
TEST_P(Modes, OfNewDirectoriesAreAsAskedButTheUmask) {
  for (const mode_t umask : kUmasks) {
    fs->set_umask(umask);
    for (const mode_t mode : kModes) ASSERT_DONE(fs->mkdir("dir" + name_of_mode(umask, mode), mode));
  }
  now_and_after_a_remount([&] {
    for (const mode_t umask : kUmasks)
      for (const mode_t wanted : kModes)
        EXPECT_EQ(mode("dir" + name_of_mode(umask, wanted)), wanted & 01777 & ~umask)
            << umask << " " << wanted;
  });
}

TEST_P(Modes, OfNewFilesAndNodesAreAsAskedButTheUmask) {
  const std::map<std::string, mode_t> types = {
      {"f", S_IFREG}, {"p", S_IFIFO}, {"s", S_IFSOCK}, {"c", S_IFCHR}};
  for (const mode_t umask : kUmasks) {
    fs->set_umask(umask);
    for (const mode_t mode : kModes) {
      ASSERT_DONE(fs->open(1, "o" + name_of_mode(umask, mode), O_RDWR | O_CREAT | O_EXCL, mode));
      // Who is not root drops set-id bits by writing.
      if ((mode & 06000) == 0) {
        ASSERT_DONE(fs->write(1, 0, "written whatever the mode"));
      }
      ASSERT_DONE(fs->close(1));
      for (const auto& [letter, type] : types)
        ASSERT_DONE(fs->mknod(letter + name_of_mode(umask, mode), type | mode, makedev(1, 3)));
    }
  }
  now_and_after_a_remount([&] {
    for (const mode_t umask : kUmasks)
      for (const mode_t wanted : kModes)
        for (const char* letter : {"o", "f", "p", "s", "c"})
          EXPECT_EQ(mode(letter + name_of_mode(umask, wanted)), wanted & ~umask)
              << letter << umask << " " << wanted;
  });
}

TEST_P(Modes, OfSymlinksAre777WhateverTheUmask) {
  fs->set_umask(0777);
  ASSERT_DONE(fs->symlink("target", "symlink"));
  now_and_after_a_remount([&] { EXPECT_EQ(mode("symlink"), 0777U); });
}

TEST_P(Modes, AreChangedOnEachTypeByPath) {
  make_each_type("");
  for (const std::string& type : kTypes) {
    if (type == "symlink") continue;
    for (const mode_t wanted : kModes) {
      ASSERT_DONE(fs->chmod(type, wanted));
      EXPECT_EQ(mode(type), wanted) << type;
    }
  }
  now_and_after_a_remount([&] {
    for (const std::string& type : kTypes) EXPECT_EQ(mode(type), type == "symlink" ? 0777U : 07777U) << type;
  });
}

TEST_P(Modes, AreChangedThroughOpenFilesAndDirectories) {
  make_file("file", "content");
  ASSERT_DONE(fs->mkdir("dir", 0755));
  ASSERT_DONE(fs->open(1, "file", O_RDONLY, 0));
  ASSERT_DONE(fs->open(2, "dir", O_RDONLY | O_DIRECTORY, 0));
  ASSERT_DONE(fs->fchmod(1, 0));
  ASSERT_DONE(fs->fchmod(2, 0));
  EXPECT_EQ(fs->read(1, 0, 100).value(), "content");
  EXPECT_EQ(mode("file"), 0U);
  EXPECT_EQ(mode("dir"), 0U);
  EXPECT_EQ(fs->fstat(2)->st_mode, mode_t{S_IFDIR});
}

// tar, rsync and install set the mode before they close; what is written at the close is no write of theirs.
TEST_P(Modes, WithSetIdBitsStayWhenTheFileIsClosed) {
  ASSERT_DONE(fs->open(1, "file", O_RDWR | O_CREAT | O_EXCL, 0700));
  ASSERT_DONE(fs->write(1, 0, "content"));
  ASSERT_DONE(fs->fchmod(1, 06755));
  ASSERT_DONE(fs->close(1));
  now_and_after_a_remount([&] { EXPECT_EQ(mode("file"), 06755U); });
}

TEST_P(Modes, AreFollowedThroughSymlinks) {
  make_file("file");
  ASSERT_DONE(fs->symlink("file", "symlink"));
  ASSERT_DONE(fs->chmod("symlink", 0604));
  EXPECT_EQ(mode("file"), 0604U);
  EXPECT_EQ(mode("symlink"), 0777U);
  ASSERT_DONE(fs->symlink("nowhere", "dangling"));
  EXPECT_ERRNO(ENOENT, fs->chmod("dangling", 0604));
}

// Owners need root; the volume runs as whoever runs the tests.
TEST_P(Modes, LoseTheirSetIdBitsWithAChangeOfOwner) {
  const uid_t uid = ::geteuid();
  make_file("file");
  for (const auto& [before, after] :
       std::map<mode_t, mode_t>{{06755, 0755}, {06745, 02745}, {01777, 01777}}) {
    ASSERT_DONE(fs->chmod("file", before));
    ASSERT_DONE(fs->lchown("file", uid, static_cast<gid_t>(-1)));
    EXPECT_EQ(mode("file"), after) << before;
  }
  ASSERT_DONE(fs->mkdir("dir", 0755));
  ASSERT_DONE(fs->chmod("dir", 06755));
  ASSERT_DONE(fs->lchown("dir", uid, static_cast<gid_t>(-1)));
  EXPECT_EQ(mode("dir"), 06755U);
}

TEST_P(Modes, OfASetgidDirectoryGoToWhatIsMadeInIt) {
  ASSERT_DONE(fs->mkdir("dir", 0755));
  ASSERT_DONE(fs->chmod("dir", 02775));
  make_each_type("dir");
  now_and_after_a_remount([&] {
    EXPECT_EQ(mode("dir/empty"), 02755U);
    EXPECT_EQ(mode("dir/file"), 0644U);
    EXPECT_EQ(mode("dir/fifo"), 0640U);
    for (const std::string& type : kTypes)
      EXPECT_EQ(status("dir/" + type).st_gid, status("dir").st_gid) << type;
  });
}

class Owners : public Conformance {};

TEST_P(Owners, AreChangedOnEachType) {
  make_each_type("");
  for (const std::string& type : kTypes) {
    ASSERT_DONE(fs->lchown(type, 1234, 4321));
    ASSERT_DONE(fs->lchown(type, static_cast<uid_t>(-1), 77));
  }
  now_and_after_a_remount([&] {
    for (const std::string& type : kTypes) {
      EXPECT_EQ(status(type).st_uid, 1234U) << type;
      EXPECT_EQ(status(type).st_gid, 77U) << type;
    }
  });
}

TEST_P(Owners, AreChangedThroughOpenFiles) {
  make_file("file");
  ASSERT_DONE(fs->open(1, "file", O_RDONLY, 0));
  ASSERT_DONE(fs->fchown(1, 1234, 4321));
  EXPECT_EQ(fs->fstat(1)->st_uid, 1234U);
  EXPECT_EQ(status("file").st_gid, 4321U);
}

TEST_P(Owners, OfASetgidDirectoryGiveTheirGroup) {
  ASSERT_DONE(fs->mkdir("dir", 0755));
  ASSERT_DONE(fs->lchown("dir", 1234, 4321));
  ASSERT_DONE(fs->chmod("dir", 02775));
  make_each_type("dir");
  for (const std::string& type : kTypes) EXPECT_EQ(status("dir/" + type).st_gid, 4321U) << type;
  EXPECT_EQ(mode("dir/full"), 02755U);
}

ENFOLD_RUN_SUITE(Modes, implementations_and_users);
ENFOLD_RUN_SUITE(Owners, implementations_for_root);

}  // namespace
}  // namespace enfold
