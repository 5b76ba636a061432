// What one connection makes of the bytes that come.
#include <sys/socket.h>

#include "kms/daemon/request_reader.h"
#include "tests/daemon/support.h"

namespace enfold {
namespace {

TEST(Requests, AreAnsweredOverUnixAndTcpWithTheirPeer) {
  TestServer test;
  std::vector<RawClient> both = test.clients();
  for (RawClient& client : both) {
    client.send(post("/a", "hello"));
    const ReceivedAnswer answer = client.answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "POST /a hello");
    EXPECT_NE(answer.head.find("x-amzn-RequestId: an-id\r\n"), std::string::npos);
    EXPECT_NE(answer.head.find("Content-Type: text/plain\r\n"), std::string::npos);
    EXPECT_NE(answer.head.find(" GMT\r\n"), std::string::npos);
    EXPECT_EQ(answer.head.find("Connection:"), std::string::npos);
  }
  const auto peers = test.handler.peers();
  ASSERT_EQ(peers.size(), 2U);
  EXPECT_EQ(peers[0].unix_id, geteuid());
  EXPECT_FALSE(peers[1].unix_id.has_value());
}

TEST(Requests, FollowEachOtherOnOneConnection) {
  TestServer test;
  RawClient client = test.unix_client();
  for (int turn = 0; turn < 100; ++turn) {
    client.send(post("/" + std::to_string(turn), "body"));
    EXPECT_EQ(client.answer().body, "POST /" + std::to_string(turn) + " body");
  }
}

TEST(Requests, ThatArePipelinedAreAnsweredInOrder) {
  TestServer test;
  RawClient client = test.tcp_client();
  std::string all;
  for (int turn = 0; turn < 300; ++turn) all += post("/" + std::to_string(turn), std::string(200, 'b'));
  client.send(all);
  for (int turn = 0; turn < 300; ++turn)
    EXPECT_EQ(client.answer().body, "POST /" + std::to_string(turn) + " " + std::string(200, 'b'));
}

TEST(Requests, ArriveByteByByteToo) {
  TestServer test;
  RawClient client = test.unix_client();
  const std::string chunked = "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& text : {post("/a", "hello"), chunked + "3\r\nabc\r\n2;e=1\r\nde\r\n0\r\n\r\n",
                                  chunked + "0\r\nTrailer: 1\r\n\r\n"})
    for (const char byte : text) client.send({&byte, 1});
  EXPECT_EQ(client.answer().body, "POST /a hello");
  EXPECT_EQ(client.answer().body, "POST /c abcde");
  EXPECT_EQ(client.answer().body, "POST /c ");
}

TEST(Requests, MayHaveChunkedBodiesWhoseTrailersAreNoHeaders) {
  TestServer test;
  RawClient client = test.unix_client();
  client.send(
      "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Large: "
      "1\r\n\r\n");
  EXPECT_EQ(client.answer().body, "POST /a hello");
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1001\r\n" +
              std::string(4097, 'x'));
  EXPECT_EQ(client.answer().status, 413);
  EXPECT_TRUE(client.is_ended());
}

TEST(Requests, AreToldToContinueOnlyWhereTheirBodyIsAllowed) {
  TestServer test;
  RawClient client = test.unix_client();
  for (int turn = 0; turn < 2; ++turn) {
    client.send("POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    EXPECT_EQ(client.answer().status, 100);
    client.send("hello");
    EXPECT_EQ(client.answer().body, "POST /a hello");
  }
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n");
  EXPECT_EQ(client.answer().status, 413);
  EXPECT_TRUE(client.is_ended());
}

TEST(Requests, MayBeAsLongAsTheirHeadAllows) {
  TestServer test;
  RawClient client = test.tcp_client();
  client.send(post("/a", std::string(kStubBodyLimit, 'x')));
  EXPECT_EQ(client.answer().status, 200);
  client.send(post("/a", std::string(std::size_t{1} << 20U, 'x'), "X-Large: 1\r\n"));
  EXPECT_EQ(client.answer().body.size(), 8 + (std::size_t{1} << 20U));
  client.send(post("/a", std::string(kStubBodyLimit + 1, 'x')));
  const ReceivedAnswer answer = client.answer();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(
      answer.body,
      R"({"__type":"RequestEntityTooLargeException","message":"The body of the request is too long."})");
  EXPECT_TRUE(client.is_ended());
}

// Its peer is still sending when the answer goes out.
TEST(Requests, ThatAreMuchTooLongStillGetTheirAnswer) {
  TestServer test;
  std::vector<RawClient> both = test.clients();
  for (RawClient& client : both) {
    EXPECT_TRUE(client.send(post("/a", std::string(std::size_t{3} << 20U, 'x'))));
    EXPECT_EQ(client.answer().status, 413);
    EXPECT_TRUE(client.is_ended());
  }
}

TEST(Requests, HaveHeadsOfAtMostSixteenKibibytes) {
  TestServer test;
  const auto head_of = [](std::size_t size) {
    std::string head = "POST /a HTTP/1.1\r\nHost: x\r\nX-Long: ";
    head.append(size - head.size() - 4, 'x').append("\r\n\r\n");
    return head;
  };
  RawClient client = test.unix_client();
  client.send(head_of(kMaxHeadBytes));
  EXPECT_EQ(client.answer().status, 200);
  client.send(head_of(kMaxHeadBytes + 1));
  EXPECT_EQ(client.answer().status, 431);
  EXPECT_TRUE(client.is_ended());
}

// Each header is whole before the next begins, which is how a limit for what is unfinished is got round.
TEST(Requests, HaveHeadsOfAtMostSixteenKibibytesInManyPieces) {
  TestServer test;
  RawClient client = test.unix_client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\n");
  for (int turn = 0; turn < 5000; ++turn)
    if (!client.send("X-" + std::to_string(turn) + ": abc\r\n")) break;
  EXPECT_EQ(client.answer().status, 431);
  EXPECT_TRUE(client.is_ended());
}

TEST(Requests, ThatAreNoHttpAreRefusedAtOnce) {
  TestServer test;
  const std::vector<std::string> refused = {
      "\x16\x03\x01\x02\x01",
      "hello\r\n\r\n",
      "GET\r\n\r\n",
      "GET / HTTP/2.0\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nbroken\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
      "GET / HTTP/1.1\nHost: a\n\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
  };
  for (const std::string& text : refused) {
    RawClient client = test.unix_client();
    client.send(text);
    const ReceivedAnswer answer = client.answer();
    EXPECT_EQ(answer.status, 400) << text;
    EXPECT_EQ(answer.body,
              R"({"__type":"MalformedHttpRequestException","message":"The request is not valid HTTP/1.1."})");
    EXPECT_NE(answer.head.find("Connection: close\r\n"), std::string::npos) << text;
    EXPECT_TRUE(client.is_ended()) << text;
  }
  EXPECT_TRUE(test.handler.peers().empty());
}

TEST(Requests, EndTheConnectionWhereTheirVersionOrHeaderSaysSo) {
  TestServer test;
  RawClient closing = test.unix_client();
  closing.send(post("/a", "x", "Connection: close\r\n"));
  EXPECT_NE(closing.answer().head.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(closing.is_ended());

  RawClient old = test.unix_client();
  old.send("POST /a HTTP/1.0\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(old.answer().body, "POST /a x");
  EXPECT_TRUE(old.is_ended());

  RawClient old_and_kept = test.unix_client();
  for (int turn = 0; turn < 2; ++turn) {
    old_and_kept.send("POST /a HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx");
    EXPECT_NE(old_and_kept.answer().head.find("Connection: keep-alive\r\n"), std::string::npos);
  }
}

TEST(Requests, OfAPeerThatEndedItsSideAreAnswered) {
  TestServer test;
  std::vector<RawClient> both = test.clients();
  for (RawClient& client : both) {
    client.send(post("/a", "x") + post("/b", "y"));
    client.end_sending();
    EXPECT_EQ(client.answer().body, "POST /a x");
    EXPECT_EQ(client.answer().body, "POST /b y");
    EXPECT_TRUE(client.is_ended());
  }
  RawClient half = test.unix_client();
  half.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
  half.end_sending();
  EXPECT_EQ(half.answer().status, 400);
  EXPECT_TRUE(half.is_ended());
}

TEST(Requests, WithHeadGetNoBody) {
  TestServer test;
  RawClient client = test.unix_client();
  client.send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n" + post("/b", "y"));
  // The length says what a POST would get; nothing of it follows.
  std::string all;
  while (all.find("POST /b y") == std::string::npos) {
    char byte = 0;
    ASSERT_EQ(::recv(client.fd(), &byte, 1, 0), 1);
    all += byte;
  }
  EXPECT_EQ(all.find("HEAD /a"), std::string::npos);
}

TEST(Requests, WhoseHandlerThrowsAreAnInternalFailureAndNoMore) {
  TestServer test;
  RawClient client = test.unix_client();
  client.send(post("/throw", "x") + post("/a", "x"));
  EXPECT_EQ(client.answer().status, 500);
  EXPECT_EQ(client.answer().body, "POST /a x");
}

TEST(Requests, GetAnswersThatTheSocketDoesNotTakeAtOnce) {
  TestServer test;
  RawClient client = test.unix_client();
  client.send(post("/large", "") + post("/large", "") + post("/a", ""));
  EXPECT_EQ(client.answer().body.size(), std::size_t{1} << 20U);
  EXPECT_EQ(client.answer().body.size(), std::size_t{1} << 20U);
  EXPECT_EQ(client.answer().body, "POST /a ");
}

}  // namespace
}  // namespace enfold
