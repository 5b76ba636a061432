#include "fs/mount/error_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace enfold {
namespace {

class FixedClock final : public Clock {
 public:
  std::int64_t now_ns = 0;
  std::int64_t monotonic_ns() override { return now_ns; }
  std::int64_t unix_ms() override { return 0; }
};

class ErrorLogTest : public testing::Test {
 protected:
  std::string logged(const Error& error, int times = 1) {
    testing::internal::CaptureStderr();
    for (int i = 0; i < times; ++i) log.report("read", 12, error);
    return testing::internal::GetCapturedStderr();
  }

  FixedClock clock;
  ErrorLog log{clock};
  Error damage{Errc::kDamaged, 0, "sector 3 does not verify"};
};

TEST_F(ErrorLogTest, NamesTheOperationTheInodeAndTheCause) {
  EXPECT_NE(logged(damage).find("read of inode 12: sector 3 does not verify"), std::string::npos);
}

TEST_F(ErrorLogTest, IsSilentAboutDailyErrors) {
  for (int value : {ENOENT, ENOSPC, EACCES, EEXIST, ENODATA})
    EXPECT_EQ(logged({Errc::kSystem, value, "x"}), "");
}

TEST_F(ErrorLogTest, WritesTenLinesAtOnceAndThenOneASecond) {
  std::string first = logged(damage, 1000);
  EXPECT_EQ(std::ranges::count(first, '\n'), 10);
  clock.now_ns += 1'000'000'000;
  std::string second = logged(damage, 1000);
  EXPECT_EQ(std::ranges::count(second, '\n'), 1);
  EXPECT_NE(second.find("990 more errors were not logged"), std::string::npos);
}

}  // namespace
}  // namespace enfold
