#include "kms/client/socket_listener.h"

#include <gtest/gtest.h>

#include <vector>

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
  const std::vector<Case> cases = {
      {"the units' place", {{"/", kRoot, 0755}, {"/run", kRoot, 0755}, {"s", kDaemon, 0666}}, ""},
      {"a directory of the daemon's",
       {{"/", kRoot, 0755}, {"/run", kRoot, 0755}, {"/run/d", kDaemon, 0755}, {"s", kDaemon, 0666}},
       ""},
      {"one of the daemon's in its home",
       {{"/", kRoot, 0755},
        {"/home", kRoot, 0755},
        {"/home/d", kDaemon, 0750},
        {"run", kDaemon, 0700},
        {"s", kDaemon, 0}},
       ""},
      {"one of a group's", {{"/", kRoot, 0755}, {"/run/d", kRoot, 0775}, {"s", kDaemon, 0666}}, ""},
      {"one of this user's in /tmp",
       {{"/", kRoot, 0755}, {"/tmp", kRoot, kSticky}, {"/tmp/mine", kSelf, 0755}, {"s", kDaemon, 0666}},
       ""},
      {"in /tmp, where whoever came first listens",
       {{"/", kRoot, 0755}, {"/tmp", kRoot, kSticky}, {"s", kDaemon, 0666}},
       "/tmp"},
      {"in a directory that who came first made in /tmp",
       {{"/", kRoot, 0755}, {"/tmp", kRoot, kSticky}, {"/tmp/d", kDaemon, 0700}, {"s", kDaemon, 0666}},
       "/tmp"},
      {"where anybody can exchange what is root's",
       {{"/", kRoot, 0755}, {"/open", kRoot, 0777}, {"/open/d", kRoot, 0755}, {"s", kDaemon, 0666}},
       "/open"},
      {"in a third user's directory",
       {{"/", kRoot, 0755}, {"/home/o", kOther, 0755}, {"s", kDaemon, 0666}},
       "/"},
      {"a third user's socket",
       {{"/", kRoot, 0755}, {"/run/d", kDaemon, 0755}, {"s", kOther, 0666}},
       "/run/d"},
  };
  for (const Case& at : cases) {
    const PathStep* open = find_open_directory(at.steps, kDaemon, kSelf);
    EXPECT_EQ(open == nullptr ? "" : open->path, at.open) << at.what;
  }
}

}  // namespace
}  // namespace enfold
