// Addresses, and the sockets behind them.
#include "kms/daemon/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/kms/support.h"

namespace enfold {
namespace {

std::string parsed(std::string_view text) {
  const auto addresses = parse_listen_address(text);
  if (!addresses) return "refused";
  std::string all;
  for (const ListenAddress& address : *addresses) all += (all.empty() ? "" : " ") + text_of(address);
  return all;
}

TEST(ListenAddress, IsAUnixPathOrLoopback) {
  EXPECT_EQ(parsed("unix:/run/x.sock"), "unix:/run/x.sock");
  EXPECT_EQ(parsed("http://127.0.0.1:0"), "http://127.0.0.1:0");
  EXPECT_EQ(parsed("http://127.0.0.1:65535/"), "http://127.0.0.1:65535");
  EXPECT_EQ(parsed("http://[::1]:8080"), "http://[::1]:8080");
  EXPECT_EQ(parsed("http://localhost:8080"), "http://127.0.0.1:8080 http://[::1]:8080");
}

TEST(ListenAddress, IsNothingElse) {
  for (const char* text : {"",
                           "unix:",
                           "unix:x.sock",
                           "http://",
                           "http://127.0.0.1",
                           "http://[::1]",
                           "http://127.0.0.1:",
                           "http://127.0.0.1:65536",
                           "http://127.0.0.1:-1",
                           "http://127.0.0.1:80x",
                           "http://127.0.0.1: 80",
                           "http://0.0.0.0:80",
                           "http://[::]:80",
                           "http://127.0.0.2:80",
                           "http://example.org:80",
                           "http://::1:80",
                           "http://localhost.example.org:80",
                           "https://127.0.0.1:80",
                           "tcp://127.0.0.1:80",
                           "127.0.0.1:80",
                           "http://127.0.0.1:80/path"})
    EXPECT_EQ(parsed(text), "refused") << text;
  EXPECT_EQ(parsed("unix:/" + std::string(106, 'x')), "unix:/" + std::string(106, 'x'));
  EXPECT_EQ(parsed("unix:/" + std::string(107, 'x')), "refused");
  EXPECT_EQ(parsed(std::string("unix:/a\0b", 9)), "refused");
}

Result<Listener> open(const std::string& text) {
  return Listener::open(parse_listen_address(text).value().front());
}

bool is_there(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

Fd unix_socket(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_TRUE(fd.valid() &&
              ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
              ::listen(fd.get(), 1) == 0);
  return fd;
}

// As a daemon leaves it that was killed.
void leave_stale_socket(const std::string& path) { (void)unix_socket(path); }

TEST(Listener, IsConnectableByAllAndGoesWithItsFile) {
  const TempDir dir;
  const std::string path = dir / "s";
  const mode_t before = ::umask(077);
  {
    const auto listener = open("unix:" + path);
    ASSERT_TRUE(listener) << describe(listener.error());
    struct stat found {};
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777, 0666U);
  }
  EXPECT_EQ(::umask(before), 077U);
  EXPECT_FALSE(is_there(path));
}

TEST(Listener, ReplacesTheSocketOfADeadDaemonOnly) {
  const TempDir dir;
  const std::string path = dir / "s";
  leave_stale_socket(path);
  const auto first = open("unix:" + path);
  ASSERT_TRUE(first) << describe(first.error());
  EXPECT_EQ(outcome(open("unix:" + path)), "busy");
  EXPECT_TRUE(is_there(path));
}

TEST(Listener, NeverTakesAnotherKindOfFileAway) {
  const TempDir dir;
  const Fd file(::open((dir / "file").c_str(), O_CREAT | O_WRONLY, 0600));
  ASSERT_EQ(::mkdir((dir / "directory").c_str(), 0700), 0);
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("nowhere", (dir / "dangling").c_str()), 0);
  leave_stale_socket(dir / "socket");
  ASSERT_EQ(::symlink("socket", (dir / "link").c_str()), 0);
  for (const char* name : {"file", "directory", "fifo", "dangling", "link"}) {
    EXPECT_EQ(outcome(open("unix:" + (dir / name))), "exists") << name;
    EXPECT_TRUE(is_there(dir / name)) << name;
  }
  EXPECT_EQ(outcome(open("unix:" + (dir / "no/such/directory"))), "system");
}

TEST(Listener, LeavesTheFileOfItsSuccessor) {
  const TempDir dir;
  const std::string path = dir / "s";
  auto first = std::make_unique<Listener>(open("unix:" + path).value());
  ASSERT_EQ(::unlink(path.c_str()), 0);
  const auto second = open("unix:" + path);
  first.reset();
  EXPECT_TRUE(is_there(path));
}

TEST(Listener, SaysWhichPortItGot) {
  for (const char* text : {"http://127.0.0.1:0", "http://[::1]:0"}) {
    const auto listener = open(text);
    ASSERT_TRUE(listener) << describe(listener.error());
    EXPECT_NE(listener->address().port, 0);
    EXPECT_EQ(outcome(open(text_of(listener->address()))), "busy");
  }
}

Fd tcp_socket(std::uint32_t host, bool listening) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(host);
  EXPECT_TRUE(fd.valid() &&
              ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  EXPECT_TRUE(!listening || ::listen(fd.get(), 1) == 0);
  return fd;
}

TEST(Listener, AdoptsListeningSocketsOnLoopback) {
  Fd good = tcp_socket(INADDR_LOOPBACK, true);
  const int number = good.release();
  const auto adopted = Listener::adopt(number, 1);
  ASSERT_TRUE(adopted) << describe(adopted.error());
  EXPECT_TRUE(adopted->front().is_inherited());
  EXPECT_NE(::fcntl(number, F_GETFL) & O_NONBLOCK, 0);

  EXPECT_EQ(outcome(Listener::adopt(tcp_socket(INADDR_ANY, true).release(), 1)), "invalid-argument");
  EXPECT_EQ(outcome(Listener::adopt(tcp_socket(INADDR_LOOPBACK, false).release(), 1)), "invalid-argument");
  EXPECT_EQ(outcome(Listener::adopt(::socket(AF_INET, SOCK_DGRAM, 0), 1)), "invalid-argument");
  EXPECT_EQ(outcome(Listener::adopt(::open("/dev/null", O_RDONLY), 1)), "invalid-argument");
}

TEST(Listener, LeavesTheFileOfAnInheritedSocket) {
  const TempDir dir;
  const std::string path = dir / "s";
  Fd fd = unix_socket(path);
  {
    const auto adopted = Listener::adopt(fd.release(), 1);
    ASSERT_TRUE(adopted) << describe(adopted.error());
    EXPECT_EQ(text_of(adopted->front().address()), "unix:" + path);
  }
  EXPECT_TRUE(is_there(path));
}

}  // namespace
}  // namespace enfold
