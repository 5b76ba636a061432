// The kernel may watch no more sockets: a connection then ends, and its descriptor with it.
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "tests/daemon/support.h"

namespace {
std::atomic<bool> watches_no_more = false;
}

// In place of the C library's.
extern "C" int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  if (watches_no_more && operation == EPOLL_CTL_ADD) {
    errno = ENOSPC;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_epoll_ctl, epoll, operation, fd, event));
}

namespace enfold {
namespace {

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

// Each such connection had left its descriptor open, and its client waiting.
TEST(RefusedSocket, IsClosed) {
  TestServer test(ServerLimits{});
  {
    RawClient served = test.unix_client();
    served.send(post("/a", "x"));
    EXPECT_EQ(served.answer().status, 200);
    const std::ptrdiff_t before = open_descriptors();
    watches_no_more = true;
    for (int i = 0; i < 10; ++i) {
      RawClient refused = test.unix_client();
      EXPECT_TRUE(refused.is_ended());
    }
    watches_no_more = false;
    EXPECT_EQ(open_descriptors(), before);
  }
  RawClient served = test.unix_client();
  served.send(post("/a", "x"));
  EXPECT_EQ(served.answer().status, 200);
}

}  // namespace
}  // namespace enfold
