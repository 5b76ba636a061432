#include "kms/base/clock.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <fstream>

namespace enfold {
namespace {

std::int64_t since_boot_ns() {
  timespec now{};
  (void)::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

bool counts_sleep() {
  const std::int64_t before = since_boot_ns();
  const std::int64_t now = SystemClock().monotonic_ns();
  return before <= now && now <= since_boot_ns();
}

int exit_code_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// In a process for which the machine has slept for a day, where a user may make one.
[[noreturn]] void look_after_a_sleep() {
  if (::unshare(CLONE_NEWTIME) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWTIME) == 0)
    std::ofstream("/proc/self/timens_offsets") << "boottime 86400 0\n";
  const pid_t child = ::fork();
  if (child == 0) ::_exit(counts_sleep() ? 0 : 1);
  ::_exit(exit_code_of(child));
}

// Data keys are not to outlive their minute by the night that a laptop sleeps.
TEST(SystemClock, CountsTheTimeThatTheMachineSleeps) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) look_after_a_sleep();
  EXPECT_EQ(exit_code_of(child), 0);
}

}  // namespace
}  // namespace enfold
