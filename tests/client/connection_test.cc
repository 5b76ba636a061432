// One connection: whether another request may follow the last answer.
#include "kms/client/connection.h"

#include <chrono>

#include "tests/client/support.h"

namespace enfold {
namespace {

constexpr const char* kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
constexpr const char* kRequest = "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n";

class Connection : public ::testing::Test {
 protected:
  // After one answer on it.
  std::unique_ptr<KmsConnection> used(const std::string& url) {
    auto connection = make_connector(parse_kms_url(url).value()).value()->connect(kTimeoutNs);
    EXPECT_TRUE(connection);
    const auto reply = (*connection)->exchange(kRequest, kMaxAnswerBytes, kTimeoutNs);
    EXPECT_TRUE(reply);
    return *std::move(connection);
  }

  static constexpr std::int64_t kTimeoutNs = 10'000 * kNsPerMs;
  TempDir temp_;
};

TEST_F(Connection, IsReusableAfterAnAnswer) {
  FakeServer server([](FakeSocket& socket, const FakeRequest&, int) { socket.send(kAnswer); },
                    temp_ / "kms.sock");
  EXPECT_TRUE(used(server.url())->is_reusable());
}

// The next request would get an answer that is not its own.
TEST_F(Connection, IsNotReusableWhereASecondAnswerCameWithTheFirst) {
  FakeServer server(
      [](FakeSocket& socket, const FakeRequest&, int) { socket.send(std::string(kAnswer) + kAnswer); },
      temp_ / "kms.sock");
  EXPECT_FALSE(used(server.url())->is_reusable());
}

TEST_F(Connection, IsNotReusableWhereASecondAnswerOrTheEndCameLater) {
  for (const bool is_end : {false, true}) {
    std::atomic<bool> is_told = false;
    std::atomic<bool> is_sent = false;
    FakeServer server(
        [&](FakeSocket& socket, const FakeRequest&, int) {
          socket.send(kAnswer);
          while (!is_told && !socket.is_stopped()) socket.sleep_ms(5);
          is_end ? socket.shut_down() : socket.send(kAnswer);
          is_sent = true;
        },
        temp_ / (is_end ? "end.sock" : "answer.sock"));
    const auto connection = used(server.url());
    EXPECT_TRUE(connection->is_reusable());
    is_told = true;
    while (!is_sent) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_FALSE(connection->is_reusable()) << is_end;
  }
}

}  // namespace
}  // namespace enfold
