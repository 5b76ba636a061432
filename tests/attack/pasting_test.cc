// W11: what is sealed for one purpose put in the place of another.
#include <sys/xattr.h>

#include "tests/attack/attack_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

struct LowerXattr {
  std::string name;
  std::string value;
};

class AttackW11 : public testing::Test {
 protected:
  AttackW11() {
    world_.keep_random_file("victim", 10);
    world_.keep_random_file("other", 10);
    world_.keep_symlink("link", "target");
    world_.keep_directory("d");
    world_.keep_random_file("bystander", 10);
    for (const char* path : {"victim", "other", "link", "d"}) {
      world_.keep_xattr(path, "user.first", std::string("first of ") + path);
      world_.keep_xattr(path, "user.second", std::string("the 2nd of ") + path);
    }
  }

  LowerXattr lower_xattr(const std::string& path, const std::string& name) {
    const stdfs::path lower = world_.lower(path);
    auto lower_name = XattrCodec(world_.keys, owner(path)).seal_name(name);
    EXPECT_TRUE(is_ok(lower_name));
    std::string value(64 * 1024, '\0');
    const ssize_t size = ::getxattr(lower.c_str(), lower_name->c_str(), value.data(), value.size());
    EXPECT_GT(size, 0) << path << " " << name;
    value.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return {*lower_name, value};
  }

  void paste(const std::string& path, const std::string& name, std::string_view value) {
    ASSERT_EQ(::setxattr(world_.lower(path).c_str(), name.c_str(), value.data(), value.size(), 0), 0);
  }

  // The oracle, and everything as before.
  void expect_noticed(const std::string& path, const std::string& xattr) {
    const LowerCopy copy(world_, path);
    ASSERT_TRUE(noticed(world_, {.plain = path, .xattr = xattr})) << path << " " << xattr;
    copy.put_back();
    for (const auto& [name, value] : world_.known[path].xattrs)
      ASSERT_TRUE(is_ok(world_.tree().set_xattr(world_.inode(path), name, as_bytes(value), 0)));
  }

  FileId owner(const std::string& path) {
    const std::string bytes = slurp(world_.lower(path));
    if (world_.known[path].type == S_IFLNK) return peek_special(as_bytes(bytes))->file;
    auto prefix = decode_prefix(ConstPrefixSpan(as_bytes(bytes).first<kPrefixBytes>()));
    EXPECT_TRUE(is_ok(prefix));
    return prefix->file;
  }

  AttackWorld world_{8};
};

TEST_F(AttackW11, TwoXattrValuesSwappedOnOneFileAreNoticed) {
  for (const char* path : {"victim", "link"}) {
    const LowerXattr first = lower_xattr(path, "user.first");
    const LowerXattr second = lower_xattr(path, "user.second");
    paste(path, first.name, second.value);
    ASSERT_NO_FATAL_FAILURE(expect_noticed(path, "user.first"));
  }
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW11, AnotherFilesXattrValueIsNoticed) {
  for (const char* from : {"other", "link"}) {
    const LowerXattr mine = lower_xattr("victim", "user.first");
    paste("victim", mine.name, lower_xattr(from, "user.first").value);
    ASSERT_NO_FATAL_FAILURE(expect_noticed("victim", "user.first"));
  }
}

TEST_F(AttackW11, AnotherFilesXattrNameAndValueAreNoticed) {
  const LowerXattr others = lower_xattr("other", "user.first");
  const std::string mine = lower_xattr("victim", "user.first").name;
  ASSERT_EQ(::removexattr(world_.lower("victim").c_str(), mine.c_str()), 0);
  paste("victim", others.name, others.value);
  expect_noticed("victim", "user.first");
}

// Nothing of the header's prefix is true before its MACs verify, the id that xattrs are bound to included.
TEST_F(AttackW11, AnotherFilesXattrsUnderItsFileIdPastedIntoThePrefixAreNoticed) {
  const LowerCopy victim(world_, "victim");
  const LowerCopy other(world_, "other");
  const LowerXattr others = lower_xattr("other", "user.first");
  paste("victim", others.name, others.value);
  const std::size_t file_id_offset = 40;
  victim.lay_over(file_id_offset, std::string_view(other.bytes()).substr(file_id_offset, 16));
  world_.open_anew();
  auto value = world_.tree().get_xattr(world_.inode("victim"), "user.first");
  EXPECT_EQ(errno_of_result(value), EIO) << "gives the value of another file's attribute";
}

TEST_F(AttackW11, AnXattrValueWhereASymlinksContentIsIsNoticed) {
  const LowerXattr xattr = lower_xattr("victim", "user.first");
  const LowerCopy link(world_, "link");
  link.lay_over(48, xattr.value);
  ASSERT_TRUE(noticed(world_, {.plain = "link"}));
  spill(link.path(), xattr.value + std::string(4064 - xattr.value.size(), '\0'));
  ASSERT_TRUE(noticed(world_, {.plain = "link"}));
}

TEST_F(AttackW11, AnXattrValueOrNameAsALowerNameIsNoticed) {
  const LowerXattr xattr = lower_xattr("victim", "user.first");
  for (const std::string& name :
       {to_base64url(as_bytes(xattr.value)), xattr.name.substr(kXattrPrefix.size())}) {
    const stdfs::path planted = world_.lower("") / name;
    ASSERT_EQ(classify_lower_name(name), LowerNameKind::kPlain);
    stdfs::copy_file(world_.lower("victim"), planted);
    world_.open_anew();
    EXPECT_EQ(world_.names(), (std::set<std::string>{"victim", "other", "link", "d", "bystander"}));
    const auto found = world_.findings();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].lower_path, name);
    EXPECT_EQ(found[0].plain_path, "/");
    EXPECT_EQ(found[0].severity, Severity::kDamage);
    stdfs::remove(planted);
  }
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW11, ALowerNameAsAnXattrsNameOrValueIsNoticed) {
  const LowerXattr mine = lower_xattr("victim", "user.first");
  const std::string lower_name = world_.lower("other").filename();
  Bytes sealed;
  ASSERT_TRUE(from_base64url(lower_name, sealed));
  paste("victim", mine.name, text_of(sealed));
  ASSERT_NO_FATAL_FAILURE(expect_noticed("victim", "user.first"));
  const std::string mine_now = lower_xattr("victim", "user.first").name;
  ASSERT_EQ(::removexattr(world_.lower("victim").c_str(), mine_now.c_str()), 0);
  paste("victim", std::string(kXattrPrefix) + lower_name, mine.value);
  expect_noticed("victim", "user.first");
}

TEST_F(AttackW11, AnXattrValueWhereASectorIsIsNoticed) {
  world_.keep_random_file("content", 100);
  const LowerCopy content(world_, "content");
  const std::string value = lower_xattr("victim", "user.first").value;
  content.lay_over(sector_offset(0), value + std::string(kPageBytes - value.size(), '\0'));
  EXPECT_TRUE(noticed(world_, {.plain = "content"}));
}

TEST_F(AttackW11, ASectorWhereAnXattrValueIsIsNoticed) {
  const LowerCopy other(world_, "other");
  const LowerXattr mine = lower_xattr("victim", "user.first");
  paste("victim", mine.name, std::string_view(other.bytes()).substr(kPageBytes, 1000));
  expect_noticed("victim", "user.first");
}

TEST_F(AttackW11, ASymlinksContentWhereAnXattrValueIsIsNoticed) {
  const LowerCopy link(world_, "link");
  const LowerXattr mine = lower_xattr("victim", "user.first");
  for (const std::size_t from : {0U, 48U, 76U}) {
    paste("victim", mine.name, std::string_view(link.bytes()).substr(from, 1000));
    ASSERT_NO_FATAL_FAILURE(expect_noticed("victim", "user.first"));
  }
}

TEST_F(AttackW11, ASymlinksContentInAFilesPlaceAndAFilesInASymlinksAreNoticed) {
  world_.keep_random_file("content", 100);
  const LowerCopy content(world_, "content");
  const LowerCopy link(world_, "link");
  content.lay_over(0, link.bytes());
  ASSERT_TRUE(noticed(world_, {.plain = "content"}));
  content.put_back();
  content.lay_over(sector_offset(0), std::string_view(link.bytes()));
  ASSERT_TRUE(noticed(world_, {.plain = "content"}));
  content.put_back();
  spill(link.path(), content.bytes().substr(kPageBytes, link.bytes().size()));
  ASSERT_TRUE(noticed(world_, {.plain = "link"}));
}

// The file has the size of an empty one; nothing of the link's target may show as its content.
TEST_F(AttackW11, ASymlinksContentPaddedToAFilesSizeIsNoticed) {
  world_.keep_file("empty", "");
  const LowerCopy empty(world_, "empty");
  const LowerCopy link(world_, "link");
  spill(empty.path(), link.bytes() + std::string(kPageBytes - link.bytes().size(), '\0'));
  EXPECT_TRUE(noticed(world_, {.plain = "empty"}));
}

TEST_F(AttackW11, ASpecialObjectOfOneKindCutToTheSizeOfAnotherIsNoticed) {
  world_.keep_node("device", S_IFCHR, 7);
  world_.keep_node("fifo", S_IFIFO);
  struct Size {
    std::size_t bytes;
    mode_t type;
  };
  for (const char* path : {"link", "device", "fifo"}) {
    const LowerCopy object(world_, path);
    const Known original = world_.known[path];
    for (const Size size : {Size{4064, S_IFLNK}, Size{4065, S_IFIFO}, Size{4066, S_IFSOCK},
                            Size{4067, S_IFCHR}, Size{4068, S_IFBLK}}) {
      if (size.bytes == object.bytes().size()) continue;
      stdfs::resize_file(object.path(), size.bytes);
      world_.known[path].type = size.type;
      world_.known[path].xattrs.clear();
      ASSERT_TRUE(noticed(world_, {.plain = path})) << path << " as " << size.bytes;
      object.put_back();
    }
    world_.known[path] = original;
    world_.known[path].xattrs.clear();
  }
}

TEST_F(AttackW11, AMarkerOrASidecarInAFilesPlaceIsNoticed) {
  const LowerCopy victim(world_, "victim");
  const std::string marker = slurp(world_.lower("d") / kMarkerName);
  spill(victim.path(), marker);
  ASSERT_TRUE(noticed(world_, {.plain = "victim"}));
  victim.lay_over(0, marker);
  ASSERT_TRUE(noticed(world_, {.plain = "victim"}));
}

}  // namespace
}  // namespace enfold
