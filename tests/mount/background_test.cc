#include "fs/mount/background.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace enfold {
namespace {

// What the parent gets; the child ends here.
Result<void> in_parent(const std::function<Result<void>(const Ready&)>& work) {
  pid_t parent = ::getpid();
  auto result = in_background(work);
  if (::getpid() != parent) ::_exit(0);
  return result;
}

TEST(Background, ReportsSuccessOnceTheChildIsReady) {
  EXPECT_TRUE(in_parent([](const Ready& ready) {
    ready();
    return Result<void>{};
  }));
  EXPECT_GT(::wait(nullptr), 0);
}

TEST(Background, CarriesTheErrorOfTheChild) {
  auto result = in_parent([](const Ready&) -> Result<void> {
    return make_error(Errc::kPinMismatch, "the pin names another key");
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kPinMismatch);
  EXPECT_EQ(result.error().message, "the pin names another key");
}

TEST(Background, CarriesErrnoValues) {
  auto result = in_parent([](const Ready&) -> Result<void> { return system_error(EACCES, "openat"); });
  ASSERT_FALSE(result);
  EXPECT_EQ(describe(result.error()), "openat: Permission denied");
}

TEST(Background, SaysHowAChildEndedThatCouldNotReport) {
  auto result = in_parent([](const Ready&) -> Result<void> {
    (void)::raise(SIGKILL);
    return {};
  });
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("signal 9"), std::string::npos);
}

}  // namespace
}  // namespace enfold
