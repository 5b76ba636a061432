#include "kms/client/socket_listener.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <vector>

#include "tests/kms/support.h"

namespace enfold {
namespace {

constexpr uid_t kRoot = 0;
constexpr uid_t kSelf = 1000;
constexpr uid_t kDaemon = 110;
constexpr uid_t kOther = 1001;
constexpr mode_t kSticky = 01777;

struct Case {
  const char* what;
  std::vector<PathStep> steps;
  const char* open;  // "" where nobody else can have put the socket there
};

TEST(SocketListener, MustBeAbleToHaveBeenGivenThePlace) {
  const PathStep below_root{"/", 0755, kRoot};
  const std::vector<Case> cases = {
      {"the units' place", {below_root, {"/run", 0755, kDaemon}}, ""},
      {"a directory of the daemon's", {below_root, {"/run", 0755, kDaemon}, {"/run/d", 0755, kDaemon}}, ""},
      {"one of a group's", {below_root, {"/run/d", 0775, kDaemon}}, ""},
      {"one of this user's in /tmp",
       {below_root, {"/tmp", kSticky, kSelf}, {"/tmp/mine", 0755, kDaemon}},
       ""},
      {"in /tmp, where whoever came first listens", {below_root, {"/tmp", kSticky, kDaemon}}, "/tmp"},
      {"in a directory that who came first made in /tmp",
       {below_root, {"/tmp", kSticky, kDaemon}, {"/tmp/d", 0700, kDaemon}},
       "/tmp"},
      {"where anybody can exchange what is root's",
       {below_root, {"/open", 0777, kRoot}, {"/open/d", 0755, kDaemon}},
       "/open"},
      {"in a third user's directory", {{"/", 0755, kOther}, {"/o", 0755, kDaemon}}, "/"},
      {"a third user's socket", {below_root, {"/run/d", 0755, kOther}}, "/run/d"},
  };
  for (const Case& at : cases) {
    const PathStep* open = find_open_step(at.steps, kDaemon, kSelf);
    EXPECT_EQ(open == nullptr ? "" : open->directory, at.open) << at.what;
  }
}

// A symlink in a directory of everybody's led to a place that nobody doubted.
TEST(SocketListener, IsLookedForNameByNameAlsoThroughSymlinks) {
  const TempDir dir;
  ASSERT_EQ(::mkdir((dir / "open").c_str(), 0700), 0);
  ASSERT_EQ(::chmod((dir / "open").c_str(), kSticky), 0);
  ASSERT_EQ(::mkdir((dir / "own").c_str(), 0700), 0);
  std::ofstream(dir / "own/socket") << "stands for one";
  ASSERT_EQ(::symlink("../own/socket", (dir / "open/relative").c_str()), 0);
  ASSERT_EQ(::symlink((dir / "own/socket").c_str(), (dir / "open/absolute").c_str()), 0);
  struct stat expected {};
  ASSERT_EQ(::stat((dir / "own/socket").c_str(), &expected), 0);
  for (const char* name : {"relative", "absolute"}) {
    const auto place = find_socket(dir / "open/" + name);
    ASSERT_TRUE(place) << describe(place.error());
    struct stat found {};
    ASSERT_EQ(::fstat(place->socket.get(), &found), 0);
    EXPECT_EQ(found.st_ino, expected.st_ino);
    EXPECT_TRUE(std::ranges::any_of(place->steps, [&](const PathStep& step) {
      return step.directory == dir / "open" && (step.directory_mode & 07777U) == kSticky;
    })) << name;
    EXPECT_EQ(place->steps.back().directory_mode & 07777U, 0700U) << name;
  }
  ASSERT_EQ(::symlink("loop", (dir / "loop").c_str()), 0);
  EXPECT_EQ(find_socket(dir / "loop").error().errno_value, ELOOP);
  EXPECT_EQ(find_socket(dir / "missing/socket").error().errno_value, ENOENT);
}

}  // namespace
}  // namespace enfold
