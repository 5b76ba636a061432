// How many connections there may be, and what ends them.
#include <sys/socket.h>

#include <thread>

#include "tests/daemon/support.h"

namespace enfold {
namespace {

ServerLimits limits_of(std::size_t all, std::size_t of_one_peer, std::size_t turned_away) {
  ServerLimits limits;
  limits.connections = {all, of_one_peer, turned_away};
  return limits;
}

void expect_served(RawClient& client) {
  client.send(post("/a", "x"));
  EXPECT_EQ(client.answer().body, "POST /a x");
}

void expect_turned_away(RawClient& client) {
  client.send(post("/a", "x"));
  const ReceivedAnswer answer = client.answer();
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("ThrottlingException"), std::string::npos);
  EXPECT_TRUE(client.is_ended());
}

TEST(Connections, AboveTheirNumberAreToldSo) {
  TestServer test(limits_of(6, 4, 2));
  std::vector<RawClient> served;
  for (int i = 0; i < 4; ++i) {
    served.push_back(i % 2 == 0 ? test.unix_client() : test.tcp_client());
    expect_served(served.back());
  }
  for (RawClient& client : test.clients()) expect_turned_away(client);
  for (RawClient& client : served) expect_served(client);

  served.clear();
  for (;;) {  // the server notices their end in its own time
    RawClient client = test.unix_client();
    client.send(post("/a", "x"));
    if (client.answer().status == 200) break;
  }
}

TEST(Connections, OfOneUserLeaveRoomForOthers) {
  TestServer test(limits_of(4, 2, 2));
  std::vector<RawClient> served;
  for (int i = 0; i < 2; ++i) {
    served.push_back(test.unix_client());
    expect_served(served.back());
  }
  RawClient third = test.unix_client();
  expect_turned_away(third);
  RawClient other = test.tcp_client();
  expect_served(other);
}

// One user can be two peers, over a Unix socket and TCP; a third one still finds room.
TEST(Connections, OfEachUserAreNoMoreThanAreLeftFree) {
  TestServer test(limits_of(8, 8, 2));
  std::vector<RawClient> served;
  for (int i = 0; i < 4; ++i) expect_served(served.emplace_back(test.unix_client()));
  RawClient fifth = test.unix_client();
  expect_turned_away(fifth);
  for (int i = 0; i < 2; ++i) expect_served(served.emplace_back(test.tcp_client()));
  RawClient third = test.tcp_client();
  expect_turned_away(third);
}

TEST(Connections, AreNeverLeftHanging) {
  TestServer test;
  std::vector<RawClient> clients;
  for (int i = 0; i < 300; ++i) {
    clients.push_back(test.unix_client());
    clients.back().send(post("/a", "x"));
  }
  std::size_t served = 0;
  for (RawClient& client : clients) {
    const int status = client.answer().status;
    if (status == 200)
      ++served;
    else
      EXPECT_TRUE(client.is_ended()) << status;
  }
  EXPECT_EQ(served, 128U);
}

TEST(Connections, ThatSayNothingEnd) {
  ServerLimits limits;
  limits.session.request_ms = 100;
  limits.session.idle_ms = 100;
  TestServer test(limits);
  std::vector<RawClient> silent = test.clients();
  std::vector<RawClient> used = test.clients();
  for (RawClient& client : used) expect_served(client);
  for (RawClient& client : silent) EXPECT_TRUE(client.is_ended());
  for (RawClient& client : used) EXPECT_TRUE(client.is_ended());
}

// Byte after byte, for ever.
TEST(Connections, ThatTakeForeverToAskAreToldSo) {
  ServerLimits limits;
  limits.session.request_ms = 150;
  TestServer test(limits);
  const std::string head = "POST /a HTTP/1.1\r\nHost: a\r\nX-Large: 1\r\n";
  for (const std::string& start : {std::string("P"), head, head + "Content-Length: 900000\r\n\r\n",
                                   head + "Transfer-Encoding: chunked\r\n\r\n"}) {
    for (const bool over_unix : {true, false}) {
      RawClient client = over_unix ? test.unix_client() : test.tcp_client();
      client.send(start);
      char byte = 0;
      const std::string more = start.ends_with("chunked\r\n\r\n") ? "1\r\na\r\n" : "a";
      while (::recv(client.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && client.send(more))
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      EXPECT_EQ(client.answer().status, 408) << start;
      EXPECT_TRUE(client.is_ended());
    }
  }
}

// Over TCP a socket whose reading side is shut goes on receiving.
TEST(Connections, ThatNeverStopSendingAreToldSoToo) {
  ServerLimits limits;
  limits.session.request_ms = 150;
  limits.session.linger_ms = 500;
  TestServer test(limits);
  for (const bool over_unix : {true, false}) {
    RawClient client = over_unix ? test.unix_client() : test.tcp_client();
    client.send("POST /a HTTP/1.1\r\nHost: a\r\nX-Large: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
    char byte = 0;
    std::string chunks;
    for (int i = 0; i < 100; ++i) chunks += "1;" + std::string(10'000, 'e') + "\r\na\r\n";
    while (::recv(client.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && client.send(chunks)) {
    }
    EXPECT_EQ(client.answer().status, 408);
    EXPECT_TRUE(client.is_ended());
  }
}

TEST(Connections, ThatDoNotTakeTheirAnswerAreCut) {
  ServerLimits limits;
  limits.session.answer_ms = 100;
  limits.connections.of_one_peer = 1;
  TestServer test(limits);
  RawClient client = test.unix_client();
  for (int i = 0; i < 8; ++i) client.send(post("/large", ""));
  for (;;) {  // its place is free again
    RawClient next = test.unix_client();
    next.send(post("/a", "x"));
    if (next.answer().status == 200) break;
  }
  EXPECT_TRUE(client.is_ended());
}

TEST(Connections, OfEightClientsAtOnceGetTheirOwnAnswers) {
  TestServer test;
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&test, i] {
      RawClient client = i % 2 == 0 ? test.unix_client() : test.tcp_client();
      for (int turn = 0; turn < 300; ++turn) {
        const std::string target = "/" + std::to_string(i) + "/" + std::to_string(turn);
        client.send(post(target, std::string(static_cast<std::size_t>(turn), 'b')));
        ASSERT_EQ(client.answer().body,
                  "POST " + target + " " + std::string(static_cast<std::size_t>(turn), 'b'));
      }
    });
  for (std::thread& client : clients) client.join();
}

TEST(Connections, ComeAndGoInManyThreads) {
  TestServer test(limits_of(6, 4, 2));
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&test, i] {
      for (int turn = 0; turn < 40; ++turn) {
        RawClient client = i % 2 == 0 ? test.unix_client() : test.tcp_client();
        client.send(post("/a", "x"));
        if (turn % 3 == 0) continue;  // gone without waiting for it
        const int status = client.answer().status;
        EXPECT_TRUE(status == 200 || status == 400 || status == 0) << status;
      }
    });
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(test.server->drain());
}

}  // namespace
}  // namespace enfold
