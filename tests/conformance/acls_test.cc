// POSIX ACLs: what is stored, what chmod makes of it, what is inherited.
#include "tests/conformance/implementations.h"

namespace enfold {
namespace {

class Acls : public Conformance {
 protected:
  std::optional<Acl> acl(const std::string& path, const char* which = kAccessAcl) {
    const auto value = fs->get_xattr(path, which);
    if (!value) {
      EXPECT_ERRNO(ENODATA, value) << path;
    }
    return value ? decode_acl(*value) : std::nullopt;
  }
  Result<void> set(const std::string& path, const Acl& acl, const char* which = kAccessAcl) {
    return fs->set_xattr(path, which, encode_acl(acl), 0);
  }
};

using enum AclTag;

Acl with_user(std::uint16_t user, std::uint16_t named, std::uint16_t group, std::uint16_t mask,
              std::uint16_t other) {
  return {{kUserObj, user}, {kUser, named, 1234}, {kGroupObj, group}, {kMask, mask}, {kOther, other}};
}

TEST_P(Acls, AreKeptAndTellTheMode) {
  make_each_type("");
  for (const std::string& type : kTypes) {
    if (type == "symlink") continue;
    EXPECT_EQ(acl(type), std::nullopt);
    ASSERT_DONE(set(type, with_user(7, 5, 1, 6, 4))) << type;
  }
  now_and_after_a_remount([&] {
    for (const std::string& type : kTypes) {
      if (type == "symlink") continue;
      EXPECT_EQ(acl(type), with_user(7, 5, 1, 6, 4)) << type;
      EXPECT_EQ(mode(type), 0764U) << type;
      EXPECT_EQ(fs->list_xattrs(type).value(), std::set<std::string>{kAccessAcl}) << type;
    }
  });
}

TEST_P(Acls, FollowChmodInTheirMask) {
  make_file("file");
  ASSERT_DONE(set("file", with_user(7, 5, 1, 6, 4)));
  ASSERT_DONE(fs->chmod("file", 0421));
  now_and_after_a_remount([&] {
    EXPECT_EQ(acl("file"), with_user(4, 5, 1, 2, 1));
    EXPECT_EQ(mode("file"), 0421U);
  });
}

TEST_P(Acls, OfThreeEntriesAreTheMode) {
  make_file("file", "", 0600);
  ASSERT_DONE(set("file", {{kUserObj, 7}, {kGroupObj, 5}, {kOther, 1}}));
  now_and_after_a_remount([&] {
    EXPECT_EQ(mode("file"), 0751U);
    EXPECT_EQ(acl("file"), std::nullopt);
    EXPECT_EQ(fs->list_xattrs("file").value().size(), 0U);
  });
}

TEST_P(Acls, AreRemovedAndLeaveTheMode) {
  make_file("file");
  ASSERT_DONE(set("file", with_user(7, 5, 1, 6, 4)));
  ASSERT_DONE(fs->remove_xattr("file", kAccessAcl));
  EXPECT_EQ(acl("file"), std::nullopt);
  EXPECT_EQ(mode("file"), 0764U);
}

TEST_P(Acls, ThatAreWrongAreRefused) {
  make_file("file");
  const std::vector<Acl> wrong = {{{kUserObj, 7}},
                                  {{kUserObj, 7}, {kGroupObj, 5}},
                                  {{kUserObj, 7}, {kUser, 7, 5}, {kGroupObj, 5}, {kOther, 1}},
                                  {{kGroupObj, 5}, {kUserObj, 7}, {kOther, 1}},
                                  {{kUserObj, 8}, {kGroupObj, 5}, {kOther, 1}},
                                  {{kUserObj, 7}, {kUserObj, 7}, {kGroupObj, 5}, {kOther, 1}}};
  for (const Acl& one : wrong) EXPECT_ERRNO(EINVAL, set("file", one));
  EXPECT_ERRNO(EINVAL,
               fs->set_xattr("file", kAccessAcl, encode_acl(with_user(7, 7, 7, 7, 7)).substr(0, 43), 0));
  EXPECT_EQ(mode("file"), 0644U);
}

TEST_P(Acls, OfDirectoriesHaveADefaultAndOthersNot) {
  make_each_type("");
  for (const std::string& type : kTypes) {
    const int expected = type == "symlink" ? EOPNOTSUPP : S_ISDIR(status(type).st_mode) ? 0 : EACCES;
    EXPECT_ERRNO(expected, set(type, with_user(7, 5, 1, 6, 4), kDefaultAcl)) << type;
  }
  EXPECT_ERRNO(EOPNOTSUPP, set("symlink", with_user(7, 5, 1, 6, 4)));
  now_and_after_a_remount([&] {
    EXPECT_EQ(acl("full", kDefaultAcl), with_user(7, 5, 1, 6, 4));
    EXPECT_EQ(mode("full"), 0755U);
    EXPECT_EQ(fs->list_xattrs("full").value(), std::set<std::string>{kDefaultAcl});
  });
  ASSERT_DONE(fs->remove_xattr("full", kDefaultAcl));
  EXPECT_EQ(acl("full", kDefaultAcl), std::nullopt);
}

TEST_P(Acls, AreInheritedFromTheDefaultWhateverTheUmask) {
  ASSERT_DONE(fs->mkdir("dir", 0755));
  ASSERT_DONE(set("dir", with_user(7, 6, 5, 7, 4), kDefaultAcl));
  fs->set_umask(0777);
  make_file("dir/file", "content", 0662);
  ASSERT_DONE(fs->mkdir("dir/sub", 0770));
  ASSERT_DONE(fs->mknod("dir/fifo", S_IFIFO | 0640, 0));
  ASSERT_DONE(fs->mknod("dir/regular", S_IFREG | 0777, 0));
  ASSERT_DONE(fs->mknod("dir/device", S_IFCHR | 0600, makedev(1, 3)));
  ASSERT_DONE(fs->symlink("target", "dir/symlink"));
  now_and_after_a_remount([&] {
    EXPECT_EQ(acl("dir/file"), with_user(6, 6, 5, 6, 0));
    EXPECT_EQ(mode("dir/file"), 0660U);
    EXPECT_EQ(acl("dir/sub"), with_user(7, 6, 5, 7, 0));
    EXPECT_EQ(acl("dir/sub", kDefaultAcl), with_user(7, 6, 5, 7, 4));
    EXPECT_EQ(acl("dir/fifo"), with_user(6, 6, 5, 4, 0));
    EXPECT_EQ(acl("dir/regular"), with_user(7, 6, 5, 7, 4));
    EXPECT_EQ(acl("dir/device"), with_user(6, 6, 5, 0, 0));
    EXPECT_EQ(mode("dir/device"), 0600U);
    EXPECT_EQ(mode("dir/symlink"), 0777U);
    EXPECT_EQ(content("dir/file"), "content");
  });
}

TEST_P(Acls, ThatAreOnlyAModeAreInheritedAsOne) {
  ASSERT_DONE(fs->mkdir("dir", 0755));
  ASSERT_DONE(set("dir", {{kUserObj, 7}, {kGroupObj, 5}, {kOther, 0}}, kDefaultAcl));
  fs->set_umask(077);
  make_file("dir/file", "", 0666);
  EXPECT_EQ(mode("dir/file"), 0640U);
  EXPECT_EQ(acl("dir/file"), std::nullopt);
  ASSERT_DONE(fs->mkdir("dir/sub", 0777));
  EXPECT_EQ(mode("dir/sub"), 0750U);
  EXPECT_EQ(acl("dir/sub", kDefaultAcl), (Acl{{kUserObj, 7}, {kGroupObj, 5}, {kOther, 0}}));
}

TEST_P(Acls, GoWithHardLinksAndRenames) {
  ASSERT_DONE(fs->mkdir("dir", 0755));
  make_file("file");
  ASSERT_DONE(set("dir", with_user(7, 6, 5, 7, 4), kDefaultAcl));
  ASSERT_DONE(set("file", with_user(7, 5, 1, 6, 4)));
  ASSERT_DONE(fs->link("file", "dir/link"));
  ASSERT_DONE(fs->rename("file", "dir/file", 0));
  EXPECT_EQ(acl("dir/link"), with_user(7, 5, 1, 6, 4));
  EXPECT_EQ(acl("dir/file"), with_user(7, 5, 1, 6, 4));
}

ENFOLD_RUN_SUITE(Acls, implementations);

}  // namespace
}  // namespace enfold
