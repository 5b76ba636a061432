// The end of the server while there are connections.
#include <sys/socket.h>
#include <sys/stat.h>

#include <thread>

#include "tests/daemon/support.h"

namespace enfold {
namespace {

bool socket_file_is_there(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0;
}

TEST(Drain, EndsIdleConnectionsAndTakesNoNewOnes) {
  TestServer test;
  std::vector<RawClient> fresh = test.clients();
  std::vector<RawClient> used = test.clients();
  for (RawClient& client : used) {
    client.send(post("/a", "x"));
    EXPECT_EQ(client.answer().status, 200);
  }
  EXPECT_TRUE(test.server->drain());
  for (RawClient& client : fresh) EXPECT_TRUE(client.is_ended());
  for (RawClient& client : used) EXPECT_TRUE(client.is_ended());
  EXPECT_FALSE(socket_file_is_there(test.path()));
}

TEST(Drain, AnswersWhatIsBeingAnswered) {
  TestServer test;
  std::vector<RawClient> clients = test.clients();
  for (RawClient& client : clients) client.send(post("/hold", "x"));
  test.handler.wait_until_held(2);
  RawClient idle = test.unix_client();
  std::thread drain([&] { EXPECT_TRUE(test.server->drain()); });
  EXPECT_TRUE(idle.is_ended());  // so it has begun
  test.handler.release();
  for (RawClient& client : clients) {
    const ReceivedAnswer answer = client.answer();
    EXPECT_EQ(answer.body, "POST /hold x");
    EXPECT_NE(answer.head.find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(client.is_ended());
  }
  clients.clear();
  drain.join();
}

TEST(Drain, AnswersWhoseHeadOrBodyHasBegun) {
  TestServer test;
  const std::string text = post("/a", "hello");
  std::vector<RawClient> clients;
  // In the method, in a header, after the head, in the body.
  const std::vector<std::size_t> cuts = {1, text.find("Host") + 2, text.size() - 5, text.size() - 2};
  for (const std::size_t cut : cuts) {
    clients.push_back(test.unix_client());
    clients.back().send(text.substr(0, cut));
  }
  RawClient idle = test.unix_client();
  std::thread drain([&] { EXPECT_TRUE(test.server->drain()); });
  EXPECT_TRUE(idle.is_ended());
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    clients[i].send(text.substr(cuts[i]));
    EXPECT_EQ(clients[i].answer().body, "POST /a hello") << cuts[i];
    EXPECT_TRUE(clients[i].is_ended());
  }
  clients.clear();
  drain.join();
}

TEST(Drain, AnswersWhatWasSentBeforeItBegan) {
  ServerLimits limits;
  limits.threads = 1;
  TestServer test(limits);
  RawClient holding = test.unix_client();
  holding.send(post("/hold", "x"));
  test.handler.wait_until_held(1);
  // The only thread is busy: these are accepted, perhaps, and not read.
  std::vector<RawClient> waiting = test.clients();
  for (RawClient& client : waiting) client.send(post("/a", "x") + post("/b", "y"));
  const std::string text = post("/c", "z");
  RawClient half = test.unix_client();
  half.send(text.substr(0, 10));
  std::thread drain([&] { EXPECT_TRUE(test.server->drain()); });
  while (socket_file_is_there(test.path())) std::this_thread::yield();
  // That file goes first; a moment later the idle ones have been told to end, of which these must be none.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  test.handler.release();
  for (RawClient& client : waiting) {
    EXPECT_EQ(client.answer().body, "POST /a x");
    EXPECT_EQ(client.answer().body, "POST /b y");
    EXPECT_TRUE(client.is_ended());
  }
  half.send(text.substr(10));
  EXPECT_EQ(half.answer().body, "POST /c z");
  EXPECT_EQ(holding.answer().status, 200);
  EXPECT_TRUE(holding.is_ended());
  waiting.clear();
  drain.join();
}

TEST(Drain, CutsWhatDoesNotEnd) {
  ServerLimits limits;
  limits.drain_ms = 100;
  TestServer test(limits);
  RawClient held = test.unix_client();
  held.send(post("/hold", "x"));
  test.handler.wait_until_held(1);
  RawClient slow = test.tcp_client();
  slow.send("POST /a HTTP/1.1\r\n");
  RawClient idle = test.unix_client();
  EXPECT_FALSE(test.server->drain());
  EXPECT_TRUE(slow.is_ended());
  EXPECT_TRUE(idle.is_ended());
  test.handler.release();
  test.server.reset();
  EXPECT_TRUE(held.is_ended());
}

TEST(Drain, IsNotNeededForAnEnd) {
  TestServer test;
  std::vector<RawClient> clients = test.clients();
  clients[0].send("POST /a");
  clients[1].send(post("/large", ""));
  test.server.reset();
  for (RawClient& client : clients) EXPECT_TRUE(client.is_ended());
}

}  // namespace
}  // namespace enfold
