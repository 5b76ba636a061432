#include "kms/base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace enfold {
namespace {

Result<int> halve(int value) {
  if (value % 2 != 0) return make_error(Errc::kInvalidArgument, "odd");
  return value / 2;
}

Result<int> quarter(int value) {
  ENFOLD_TRY(halve(value));
  ENFOLD_TRY_ASSIGN(int half, halve(value));
  ENFOLD_TRY_ASSIGN(half, halve(half));
  return half;
}

TEST(Try, PassesOnTheFirstError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(7).error().message, "odd");
  EXPECT_EQ(quarter(6).error().code, Errc::kInvalidArgument);
}

TEST(Error, SaysWhatTheErrnoValueMeans) {
  Error error = add_context(system_error(ENOENT, "openat").error(), "root.key").error();
  EXPECT_EQ(describe(error), "root.key: openat: No such file or directory");
  EXPECT_EQ(errno_of(error), ENOENT);
}

TEST(Error, GivesTheApplicationADistinctCause) {
  auto errno_for = [](Errc code) { return errno_of(Error{code, 0, ""}); };
  EXPECT_EQ(errno_for(Errc::kDamaged), EIO);
  EXPECT_EQ(errno_for(Errc::kKmsUnavailable), ENOKEY);
  EXPECT_EQ(errno_for(Errc::kKmsDisabled), EKEYREVOKED);
  EXPECT_EQ(errno_for(Errc::kKmsAccessDenied), EACCES);
  EXPECT_EQ(errno_for(Errc::kKmsBadAnswer), EIO);
  EXPECT_EQ(errno_for(Errc::kSystem), EIO) << "never 0, which would be success";
}

TEST(Error, NamesEachCodeOnce) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(Errc::kKmsBadAnswer); ++code)
    EXPECT_TRUE(names.insert(name_of(static_cast<Errc>(code))).second) << code;
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace enfold
