// Symlinks, FIFOs, sockets and devices.
#include "tests/conformance/implementations.h"

namespace enfold {
namespace {

class SpecialFiles : public Conformance {};

TEST_P(SpecialFiles, SymlinksKeepTargetsOfEachLength) {
  const std::vector<std::size_t> lengths = {1,    2,    59,   60,   255,  256,  1023, 1024,
                                            2000, 3999, 4000, 4031, 4063, 4064, 4094, 4095};
  for (const std::size_t length : lengths)
    ASSERT_DONE(fs->symlink(std::string(length, 't'), std::to_string(length)));
  EXPECT_ERRNO(ENAMETOOLONG, fs->symlink(std::string(4096, 't'), "longer"));
  EXPECT_ERRNO(ENOENT, fs->symlink("", "empty"));
  now_and_after_a_remount([&] {
    for (const std::size_t length : lengths) {
      EXPECT_EQ(fs->readlink(std::to_string(length)).value(), std::string(length, 't'));
      EXPECT_EQ(status(std::to_string(length)).st_size, static_cast<off_t>(length));
    }
  });
}

TEST_P(SpecialFiles, SymlinksKeepTargetsOfAnyBytes) {
  const std::vector<std::string> targets = {"/",   ".", "..", "../../etc/passwd", "a//b/", "\xff\xfe\n\x01",
                                            "ä漢😀"};
  for (std::size_t index = 0; index < targets.size(); ++index)
    ASSERT_DONE(fs->symlink(targets[index], std::to_string(index)));
  now_and_after_a_remount([&] {
    for (std::size_t index = 0; index < targets.size(); ++index)
      EXPECT_EQ(fs->readlink(std::to_string(index)).value(), targets[index]);
  });
  make_file("file");
  EXPECT_ERRNO(EINVAL, fs->readlink("file"));
}

TEST_P(SpecialFiles, DevicesKeepTheirNumbers) {
  const std::vector<std::pair<unsigned, unsigned>> numbers = {
      {0, 0}, {1, 3}, {8, 255}, {259, 70'000}, {4095, 0xfffff}};
  for (const mode_t type : {mode_t{S_IFCHR}, mode_t{S_IFBLK}})
    for (const auto& [high, low] : numbers)
      ASSERT_DONE(
          fs->mknod(std::to_string(type) + "-" + std::to_string(low), type | 0600, makedev(high, low)));
  now_and_after_a_remount([&] {
    for (const mode_t type : {mode_t{S_IFCHR}, mode_t{S_IFBLK}})
      for (const auto& [high, low] : numbers) {
        const struct stat at = status(std::to_string(type) + "-" + std::to_string(low));
        EXPECT_EQ(at.st_rdev, makedev(high, low));
        EXPECT_EQ(at.st_mode, type | 0600);
        EXPECT_EQ(at.st_size, 0);
      }
  });
}

TEST_P(SpecialFiles, OtherThanDevicesHaveNoNumber) {
  make_each_type("");
  for (const std::string& type : kTypes) {
    if (type != "device") {
      EXPECT_EQ(status(type).st_rdev, 0U) << type;
    }
    EXPECT_EQ(status(type).st_nlink, S_ISDIR(status(type).st_mode) ? status("empty").st_nlink : 1U) << type;
  }
}

TEST_P(SpecialFiles, AreRenamedBetweenDirectoriesAndStayWhatTheyAre) {
  ASSERT_DONE(fs->mkdir("from", 0755));
  ASSERT_DONE(fs->mkdir("to", 0755));
  make_each_type("from");
  std::map<std::string, struct stat> before;
  for (const std::string& type : kTypes) {
    set_times("from/" + type, 1000, 2000);
    before[type] = status("from/" + type);
    ASSERT_DONE(fs->rename("from/" + type, "to/" + type, 0));
  }
  now_and_after_a_remount([&] {
    for (const auto& [type, then] : before) {
      const struct stat at = status("to/" + type);
      EXPECT_EQ(at.st_ino, then.st_ino) << type;
      EXPECT_EQ(at.st_mode, then.st_mode) << type;
      EXPECT_EQ(at.st_size, then.st_size) << type;
      EXPECT_EQ(at.st_rdev, then.st_rdev) << type;
      EXPECT_EQ(at.st_mtim.tv_sec, 2000) << type;
    }
    EXPECT_EQ(fs->readlink("to/symlink").value(), "target");
  });
}

TEST_P(SpecialFiles, CannotBeTruncated) {
  make_each_type("");
  for (const char* type : {"fifo", "socket", "device"}) EXPECT_ERRNO(EINVAL, fs->truncate(type, 0)) << type;
  EXPECT_ERRNO(EISDIR, fs->truncate("empty", 0));
}

TEST_P(SpecialFiles, TakeNoUserXattrs) {
  make_each_type("");
  for (const char* type : {"symlink", "fifo", "socket", "device"}) {
    EXPECT_ERRNO(EPERM, fs->set_xattr(type, "user.a", "b", 0)) << type;
    EXPECT_ERRNO(ENODATA, fs->get_xattr(type, "user.a")) << type;
    EXPECT_EQ(fs->list_xattrs(type).value().size(), 0U) << type;
  }
}

class Xattrs : public Conformance {};

TEST_P(Xattrs, AreKeptAsTheyAreSet) {
  make_file("file");
  ASSERT_DONE(fs->mkdir("dir", 0755));
  const std::map<std::string, std::string> values = {
      {"user.a", "1"},   {"user.empty", ""}, {"user.bytes", std::string("\0\xff\n", 3)},
      {"user.ä漢", "x"}, {"user.A", "2"},    {"user.big", std::string(1500, 'v')}};
  for (const char* path : {"file", "dir"})
    for (const auto& [name, value] : values) ASSERT_DONE(fs->set_xattr(path, name, value, 0)) << name;
  now_and_after_a_remount([&] {
    for (const char* path : {"file", "dir"}) {
      EXPECT_EQ(fs->list_xattrs(path).value().size(), values.size());
      for (const auto& [name, value] : values) EXPECT_EQ(fs->get_xattr(path, name).value(), value) << name;
    }
  });
}

TEST_P(Xattrs, AreMadeReplacedAndRemovedAsTheFlagsSay) {
  make_file("file");
  EXPECT_ERRNO(ENODATA, fs->get_xattr("file", "user.a"));
  EXPECT_ERRNO(ENODATA, fs->set_xattr("file", "user.a", "1", XATTR_REPLACE));
  EXPECT_DONE(fs->set_xattr("file", "user.a", "1", XATTR_CREATE));
  EXPECT_ERRNO(EEXIST, fs->set_xattr("file", "user.a", "2", XATTR_CREATE));
  EXPECT_EQ(fs->get_xattr("file", "user.a").value(), "1");
  EXPECT_DONE(fs->set_xattr("file", "user.a", "longer", XATTR_REPLACE));
  EXPECT_EQ(fs->get_xattr("file", "user.a").value(), "longer");
  EXPECT_DONE(fs->remove_xattr("file", "user.a"));
  EXPECT_ERRNO(ENODATA, fs->remove_xattr("file", "user.a"));
  EXPECT_EQ(fs->list_xattrs("file").value(), std::set<std::string>{});
}

TEST_P(Xattrs, GoWithTheFileThroughRenamesAndLinks) {
  make_file("file");
  ASSERT_DONE(fs->mkdir("dir", 0755));
  ASSERT_DONE(fs->set_xattr("file", "user.a", "value", 0));
  ASSERT_DONE(fs->link("file", "dir/link"));
  ASSERT_DONE(fs->rename("file", "dir/renamed", 0));
  now_and_after_a_remount([&] {
    for (const char* path : {"dir/link", "dir/renamed"})
      EXPECT_EQ(fs->get_xattr(path, "user.a").value(), "value");
  });
  make_file("new");
  ASSERT_DONE(fs->rename("new", "dir/link", 0));
  EXPECT_EQ(fs->list_xattrs("dir/link").value().size(), 0U);
}

// Enfold's own lower xattrs, and namespaces that nobody knows.
TEST_P(Xattrs, OfUnknownNamespacesAreRefused) {
  make_file("file");
  EXPECT_ERRNO(EOPNOTSUPP, fs->set_xattr("file", "unknown.a", "b", 0));
  EXPECT_ERRNO(EOPNOTSUPP, fs->get_xattr("file", "unknown.a"));
  EXPECT_ERRNO(ERANGE, fs->set_xattr("file", "user." + std::string(251, 'n'), "b", 0));
}

// trusted.* is for root, and on each type of object.
class TrustedXattrs : public Conformance {};

TEST_P(TrustedXattrs, AreKeptOnEachType) {
  make_each_type("");
  for (const std::string& type : kTypes) ASSERT_DONE(fs->set_xattr(type, "trusted.a", type, 0)) << type;
  now_and_after_a_remount([&] {
    for (const std::string& type : kTypes) {
      EXPECT_EQ(fs->get_xattr(type, "trusted.a").value(), type);
      EXPECT_EQ(fs->list_xattrs(type).value(), std::set<std::string>{"trusted.a"}) << type;
    }
  });
}

ENFOLD_RUN_SUITE(SpecialFiles, implementations);
ENFOLD_RUN_SUITE(Xattrs, implementations);
ENFOLD_RUN_SUITE(TrustedXattrs, implementations);

}  // namespace
}  // namespace enfold
