#include "fs/format/xattr.h"

#include <gtest/gtest.h>

#include "tests/format/matchers.h"
#include "tests/format/support.h"

namespace enfold {
namespace {

using format_test::expect_damaged;
using format_test::expect_error;

class Xattr : public testing::Test {
 protected:
  [[nodiscard]] std::string forge(std::string_view plain_name) const {
    const Siv names(keys_.xattr_names(format_test::sample_file()).expose());
    return std::string(kXattrPrefix) +
           to_base64url(names.seal(format_test::sample_file().bytes, as_bytes(plain_name)));
  }

  VolumeKeys keys_ = format_test::sample_keys();
  XattrCodec codec_{keys_, format_test::sample_file()};
  XattrCodec other_{keys_, format_test::other_file()};
  format_test::SeededEntropy entropy_{1};
};

TEST_F(Xattr, NamesComeBackUpTo166Bytes) {
  for (std::size_t length = 6; length <= 166; ++length) {
    const std::string plain = "user." + std::string(length - 5, 'n');
    const std::string lower = codec_.seal_name(plain).value();
    EXPECT_LE(lower.size(), 255U);
    EXPECT_EQ(codec_.open_name(lower).value(), plain);
  }
  EXPECT_EQ(codec_.open_name(codec_.seal_name("trusted.x").value()).value(), "trusted.x");
  expect_error(codec_.seal_name("user." + std::string(162, 'n')), Errc::kLimit, "166");
}

TEST_F(Xattr, NamesOfOtherNamespacesAreNotSealed) {
  for (const std::string_view name :
       {"", "user", "user.", "trusted.", "security.selinux", "system.posix_acl_access"})
    expect_error(codec_.seal_name(name), Errc::kInvalidArgument, "user.*");
}

TEST_F(Xattr, NamesThatDecryptToAnotherNamespaceAreDamage) {
  for (const std::string_view name :
       {std::string_view("user."), std::string_view("security.capability"), std::string_view("x"),
        std::string_view("system.posix_acl_access"), std::string_view("user.a\0b", 8)})
    expect_damaged(codec_.open_name(forge(name)), "no user or trusted");
  expect_damaged(codec_.open_name(std::string(kXattrPrefix) + to_base64url(Bytes(16))), "does not verify");
}

TEST_F(Xattr, NamesAreBoundToTheirOwner) {
  expect_damaged(other_.open_name(codec_.seal_name("user.a").value()), "does not verify");
}

TEST_F(Xattr, NamesRefuseAChangeInAnyCharacter) {
  const std::string name = codec_.seal_name("user.a").value();
  for (std::size_t i = 0; i < name.size(); ++i) {
    std::string changed = name;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(codec_.open_name(changed)) << i;
  }
  expect_damaged(codec_.open_name("user.other"), "prefix");
  expect_damaged(codec_.open_name("user.enfold."), "does not verify");
  expect_damaged(codec_.open_name("user.enfold." + std::string(244, 'A')), "prefix");
}

TEST_F(Xattr, ValuesOfEverySizeComeBack) {
  for (const std::size_t size : {0U, 1U, 100U, 4096U, 65536U}) {
    Bytes value(size);
    entropy_.fill(value);
    const Bytes sealed = codec_.seal_value("user.a", value, entropy_);
    EXPECT_EQ(sealed.size(), size + 28);
    EXPECT_EQ(codec_.open_value("user.a", sealed).value(), value);
  }
}

TEST_F(Xattr, ValuesAreBoundToNameAndOwner) {
  const Bytes sealed = codec_.seal_value("user.a", as_bytes("value"), entropy_);
  expect_damaged(codec_.open_value("user.b", sealed), "does not verify");
  expect_damaged(codec_.open_value("trusted.a", sealed), "does not verify");
  expect_damaged(other_.open_value("user.a", sealed), "does not verify");
}

TEST_F(Xattr, ValuesRefuseAChangeInAnyByteAndAnyCut) {
  const Bytes sealed = codec_.seal_value("user.a", as_bytes("value"), entropy_);
  format_test::expect_each_flip_refused<Bytes>(
      sealed, [this](const Bytes& bytes) { return !codec_.open_value("user.a", bytes).has_value(); });
  for (std::size_t size = 0; size < sealed.size(); ++size)
    EXPECT_FALSE(codec_.open_value("user.a", ByteSpan(sealed).first(size))) << size;
}

}  // namespace
}  // namespace enfold
