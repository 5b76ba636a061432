#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <latch>

#include "kms/base/whole_file.h"
#include "kms/wire/sigv4.h"
#include "tests/client/support.h"

namespace enfold {
namespace {

using std::chrono::steady_clock;

constexpr const char* kThrottled = R"({"__type":"ThrottlingException","message":"slow down"})";

double seconds_of(const std::function<void()>& work) {
  const auto begin = steady_clock::now();
  work();
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

class Endpoint : public ::testing::Test {
 protected:
  ClientEnvironment environment_;
  TempDir temp_;
};

TEST_F(Endpoint, SignsWhatItSendsOverTcp) {
  std::string verified = "not asked";
  FakeServer server([&](FakeSocket& socket, const FakeRequest& request, int /*number*/) {
    HttpRequestView view{"POST", "/", {}, request.body};
    std::vector<std::pair<std::string, std::string>> headers;
    for (const char* name : {"host", "content-type", "content-length", "x-amz-date", "x-amz-target",
                             "authorization", "x-amz-security-token"})
      if (!request.header(name).empty()) headers.emplace_back(name, request.header(name));
    for (const auto& [name, value] : headers) view.headers.push_back({name, value});
    const auto claim = read_signature(view);
    ASSERT_TRUE(claim) << claim.error().message;
    SystemClock clock;
    const auto good = verify_signature(view, *claim, as_bytes("the-secret-access-key"), clock.unix_ms());
    verified = good ? claim->access_key_id + " " + claim->region : good.error().message;
    socket.answer(200, "{}");
  });
  const auto endpoint = open_endpoint(server.url());
  ASSERT_TRUE(endpoint->call(simple_call()));
  EXPECT_EQ(verified, "AKIDEXAMPLE eu-west-1");
  RemoteCall elsewhere = simple_call();
  elsewhere.region = "us-east-2";
  ASSERT_TRUE(endpoint->call(elsewhere));
  EXPECT_EQ(verified, "AKIDEXAMPLE us-east-2");
  environment_.set("AWS_SESSION_TOKEN", "token-of-a-session");
  ASSERT_TRUE(open_endpoint(server.url())->call(simple_call()));
  EXPECT_EQ(verified, "AKIDEXAMPLE eu-west-1");
}

TEST_F(Endpoint, SignsNothingOverAUnixSocketAndSaysTheRegionOnlyWhereOneIsKnown) {
  std::vector<std::string> regions;
  FakeServer server(
      [&](FakeSocket& socket, const FakeRequest& request, int /*number*/) {
        EXPECT_EQ(request.header("Authorization"), "");
        EXPECT_EQ(request.header("X-Amz-Date"), "");
        EXPECT_EQ(request.header("Host"), "localhost");
        EXPECT_EQ(request.header("Content-Type"), "application/x-amz-json-1.1");
        regions.push_back(request.header("x-enfold-region"));
        socket.answer(200, "{}");
      },
      temp_ / "kms.sock");
  ASSERT_TRUE(open_endpoint(server.url())->call(simple_call()));
  environment_.set("AWS_REGION", std::nullopt);
  const auto endpoint = open_endpoint(server.url());
  ASSERT_TRUE(endpoint->call(simple_call()));
  RemoteCall elsewhere = simple_call();
  elsewhere.region = "us-east-2";
  ASSERT_TRUE(endpoint->call(elsewhere));
  EXPECT_EQ(regions, (std::vector<std::string>{"eu-west-1", "", "us-east-2"}));
}

TEST_F(Endpoint, SaysWhereNoRegionIsKnownOrItIsNone) {
  FakeServer server([](FakeSocket& socket, const FakeRequest&, int) { socket.answer(200, "{}"); });
  environment_.set("AWS_REGION", std::nullopt);
  const auto answer = open_endpoint(server.url())->call(simple_call());
  EXPECT_EQ(outcome(answer), "invalid-argument");
  EXPECT_NE(answer.error().message.find("AWS_REGION"), std::string::npos);
  environment_.set("AWS_DEFAULT_REGION", "eu-central-1");
  EXPECT_EQ(outcome(open_endpoint(server.url())->call(simple_call())), "ok");
  environment_.set("AWS_DEFAULT_REGION", "x\r\nX-Evil: y");
  EXPECT_EQ(outcome(open_endpoint(server.url())->call(simple_call())), "invalid-argument");
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(Endpoint, KeepsAConnectionForTheNextCall) {
  FakeServer server([](FakeSocket& socket, const FakeRequest&, int) { socket.answer(200, "{}"); });
  const auto endpoint = open_endpoint(server.url());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(endpoint->call(simple_call()));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(Endpoint, TakesAFreshConnectionWhereTheServiceClosesOrTheOldOneIsNoUse) {
  FakeServer server([](FakeSocket& socket, const FakeRequest&, int number) {
    if (number == 3) return socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}and more");
    socket.answer(200, "{}", number % 2 == 0 ? "Connection: close\r\n" : "");
    if (number == 1) socket.close();  // without a word
  });
  const auto endpoint = open_endpoint(server.url());
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(endpoint->call(simple_call())) << i;
  EXPECT_EQ(server.requests(), 6);
}

// It reads the request on a kept connection and closes then: only a fresh one tells why.
TEST_F(Endpoint, RepeatsOnceOnAFreshConnectionWhatAKeptOneDoesNotAnswer) {
  RemotePolicy policy = quick_policy();
  policy.attempts = 1;
  FakeServer server([](FakeSocket& socket, const FakeRequest&, int number) {
    if (number == 2) return socket.close();
    socket.answer(200, "{}");
  });
  const auto endpoint = open_endpoint(server.url(), policy);
  ASSERT_TRUE(endpoint->call(simple_call()));
  ASSERT_TRUE(endpoint->call(simple_call()));
  EXPECT_EQ(server.requests(), 3);
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(Endpoint, NeverRepeatsWhatMayHaveBeenDoneAndMustNotBeDoneTwice) {
  FakeServer server([](FakeSocket& socket, const FakeRequest&, int number) {
    if (number == 1) return socket.answer(200, "{}");
    if (number == 3) return socket.answer(500, R"({"__type":"KMSInternalException"})");
    socket.close();
  });
  const auto endpoint = open_endpoint(server.url());
  RemoteCall once = simple_call();
  once.is_repeatable = false;
  ASSERT_TRUE(endpoint->call(once));
  EXPECT_EQ(outcome(endpoint->call(once)), "kms-unavailable");
  EXPECT_EQ(server.requests(), 2) << "it does not even go by a kept connection";
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(outcome(endpoint->call(once)), "kms-internal");
  EXPECT_EQ(server.requests(), 3);
}

// "The KMS refuses, without a reason; try again later": the daemon's reasons of this class are for its log
// alone.
TEST_F(Endpoint, SaysWhoKnowsWhyTheServiceFailed) {
  FakeServer server([](FakeSocket& socket, const FakeRequest&, int /*number*/) {
    socket.answer(500, R"({"__type":"KMSInternalException"})");
  });
  const std::string message = open_endpoint(server.url())->call(simple_call()).error().message;
  EXPECT_TRUE(message.contains("its log does")) << message;
}

TEST_F(Endpoint, NamesWhatGivesARegionWhereNoneIsKnown) {
  FakeServer server([](FakeSocket& socket, const FakeRequest&, int /*number*/) { socket.answer(200, "{}"); });
  environment_.set("AWS_REGION", std::nullopt);
  const std::string message = open_endpoint(server.url())->call(simple_call()).error().message;
  EXPECT_TRUE(message.contains("set AWS_REGION, or give `enfold key` a --region")) << message;
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(Endpoint, TriesThreeTimesWhereTheServiceThrottlesOrFails) {
  const std::vector<std::pair<std::string, std::string>> failures{
      {kThrottled, "kms-throttled"},
      {R"({"__type":"KMSInternalException"})", "kms-internal"},
      {R"({"__type":"DependencyTimeoutException"})", "kms-unavailable"}};
  for (const auto& [body, expected] : failures) {
    FakeServer server([&](FakeSocket& socket, const FakeRequest&, int) {
      socket.answer(body == kThrottled ? 400 : 500, body);
    });
    EXPECT_EQ(outcome(open_endpoint(server.url())->call(simple_call())), expected);
    EXPECT_EQ(server.requests(), 3) << body;
  }
  FakeServer recovers([&](FakeSocket& socket, const FakeRequest&, int number) {
    number < 3 ? socket.answer(400, kThrottled) : socket.answer(200, "{}");
  });
  EXPECT_EQ(outcome(open_endpoint(recovers.url())->call(simple_call())), "ok");
  EXPECT_EQ(recovers.requests(), 3);
}

TEST_F(Endpoint, TriesOnceWhatTheServiceRefuses) {
  const std::vector<std::pair<std::string, std::string>> refusals{
      {"NotFoundException", "kms-not-found"},
      {"com.amazonaws.kms#DisabledException", "kms-disabled"},
      {"AccessDeniedException", "kms-access-denied"},
      {"LimitExceededException", "kms-limit-exceeded"},
      {"KMSInvalidStateException", "kms-invalid-state"}};
  for (const auto& [type, expected] : refusals) {
    FakeServer server([&](FakeSocket& socket, const FakeRequest&, int) {
      socket.answer(400, R"({"__type":")" + type + R"(","Message":"because\nof this"})");
    });
    const auto answer = open_endpoint(server.url())->call(simple_call());
    EXPECT_EQ(outcome(answer), expected);
    EXPECT_EQ(answer.error().message, "because of this");
    EXPECT_EQ(server.requests(), 1) << type;
  }
}

TEST_F(Endpoint, EndsInTimeWhereNothingListens) {
  const std::string nobody = "http://127.0.0.1:" + std::to_string(unused_port());
  for (const std::string& url : {nobody, "unix:" + (temp_ / "none.sock")}) {
    const auto answer = open_endpoint(url)->call(simple_call());
    EXPECT_EQ(outcome(answer), "kms-unavailable");
    EXPECT_NE(answer.error().message.find(url), std::string::npos) << answer.error().message;
  }
}

TEST_F(Endpoint, EndsInTimeWhereAUnixSocketIsNotAccepted) {
  const std::string path = temp_ / "full.sock";
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(listener.valid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(path, address.sun_path);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  const auto endpoint = open_endpoint("unix:" + path);
  const double taken = seconds_of([&] {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(outcome(endpoint->call(simple_call())), "kms-unavailable");
  });
  EXPECT_LT(taken, 30);
}

// So many descriptors beside those that are open.
class DescriptorsLeft {
 public:
  explicit DescriptorsLeft(rlim_t count) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const Fd lowest_free(::dup(0));
    const rlimit limit{static_cast<rlim_t>(lowest_free.get()) + count, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  DescriptorsLeft(const DescriptorsLeft&) = delete;
  DescriptorsLeft& operator=(const DescriptorsLeft&) = delete;
  ~DescriptorsLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

// Of an object whose type it has not seen there UBSan asks the kernel by a pipe, for which there will be no
// descriptor. So it sees all that comes before.
void show_sanitizer(const FakeServer& server) {
  EXPECT_EQ(outcome(open_endpoint(server.url())->call(simple_call())), "ok");
  EXPECT_EQ(outcome(open_endpoint("unix:/dev/null/none")->call(simple_call())), "kms-unavailable");
  try {
    static_cast<void>(boost::asio::ip::make_address("none"));
  } catch (const std::exception& error) {
    EXPECT_STRNE(error.what(), "");
  }
}

void expect_recovery_of(const FakeServer& server) {
  RemotePolicy policy = quick_policy();
  policy.pool.connections = 1;
  show_sanitizer(server);
  const auto endpoint = open_endpoint(server.url(), policy);
  for (rlim_t left = 0; left < 3; ++left) {  // one connection needs three
    const DescriptorsLeft few(left);
    EXPECT_EQ(outcome(endpoint->call(simple_call())), "kms-unavailable") << left;
  }
  EXPECT_EQ(outcome(endpoint->call(simple_call())), "ok");
}

TEST_F(Endpoint, RecoversFromHavingNoDescriptorLeft) {
  const auto script = [](FakeSocket& socket, const FakeRequest&, int) { socket.answer(200, "{}"); };
  expect_recovery_of(FakeServer(script, temp_ / "kms.sock"));
  expect_recovery_of(FakeServer(script));
}

TEST_F(Endpoint, FailsAtOnceForAMomentWhereTheServiceWasAway) {
  RemotePolicy policy = quick_policy();
  policy.call_ns = 300 * kNsPerMs;
  policy.away_ns = 60'000 * kNsPerMs;
  FakeServer server([](FakeSocket& socket, const FakeRequest&, int) { socket.wait_for_end(); });
  const auto endpoint = open_endpoint(server.url(), policy);
  const double taken = seconds_of([&] {
    for (int i = 0; i < 1000; ++i)
      EXPECT_EQ(outcome(endpoint->call(simple_call(policy.call_ns))), "kms-unavailable");
  });
  EXPECT_EQ(server.requests(), 1);
  EXPECT_LT(taken, 60) << "one waited, 999 did not";
}

TEST_F(Endpoint, LetsOneTryAfterTheMomentAndTheOthersAtOnceWhenItWorks) {
  RemotePolicy policy = quick_policy();
  policy.away_ns = 1'000 * kNsPerMs;
  const int port = unused_port();
  const auto endpoint = open_endpoint("http://127.0.0.1:" + std::to_string(port), policy);
  EXPECT_EQ(outcome(endpoint->call(simple_call())), "kms-unavailable");
  FakeServer server([](FakeSocket& socket, const FakeRequest&, int) { socket.answer(200, "{}"); }, port);
  EXPECT_EQ(outcome(endpoint->call(simple_call())), "kms-unavailable") << "the moment lasts";
  EXPECT_EQ(server.requests(), 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(1'100));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(outcome(endpoint->call(simple_call())), "ok");
}

// It has long to find out, and openings of files would wait for it.
TEST_F(Endpoint, NobodyWaitsForWhatABatchFindsOut) {
  std::atomic<bool> is_away = true;
  std::atomic<bool> may_end = false;
  FakeServer server([&](FakeSocket& socket, const FakeRequest& request, int) {
    const bool is_batch = request.target().starts_with("Enfold.");
    while (is_batch && !may_end && !socket.is_stopped()) socket.sleep_ms(5);
    is_away || is_batch ? socket.close() : socket.answer(200, "{}");
  });
  const auto endpoint = open_endpoint(server.url());
  EXPECT_EQ(outcome(endpoint->call(simple_call())), "kms-unavailable");
  is_away = false;
  const int before = server.requests();
  std::jthread asking([&] {
    RemoteCall batch = simple_call(30'000 * kNsPerMs);
    batch.target = "Enfold.BatchDecrypt";
    batch.is_batch = true;
    EXPECT_EQ(outcome(endpoint->call(batch)), "kms-unavailable");
  });
  while (server.requests() == before) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(outcome(endpoint->call(simple_call())), "ok");
  may_end = true;
}

TEST_F(Endpoint, AnswersOfARefusalAreNoAbsence) {
  RemotePolicy policy = quick_policy();
  policy.away_ns = 60'000 * kNsPerMs;
  FakeServer server([](FakeSocket& socket, const FakeRequest&, int) { socket.answer(400, kThrottled); });
  const auto endpoint = open_endpoint(server.url(), policy);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(outcome(endpoint->call(simple_call())), "kms-throttled");
  EXPECT_EQ(server.requests(), 6);
}

TEST_F(Endpoint, ReadsTheCredentialsAgainWhereTheServiceKnowsThemNoMore) {
  const std::string path = temp_ / "credentials";
  const auto write = [&](const std::string& id) {
    PosixFiles files;
    ASSERT_TRUE(replace_file(files, AT_FDCWD, path,
                             as_bytes("[default]\naws_access_key_id=" + id + "\naws_secret_access_key=s\n"),
                             0600));
  };
  environment_.set("AWS_ACCESS_KEY_ID", std::nullopt);
  environment_.set("AWS_SHARED_CREDENTIALS_FILE", path);
  write("AKIAOLD");
  FakeServer server([&](FakeSocket& socket, const FakeRequest& request, int /*number*/) {
    const bool is_new = request.header("Authorization").find("AKIANEW") != std::string::npos;
    if (is_new) return socket.answer(200, "{}");
    write("AKIANEW");  // exchanged at this moment
    socket.answer(400, R"({"__type":"UnrecognizedClientException","message":"unknown"})");
  });
  EXPECT_EQ(outcome(open_endpoint(server.url())->call(simple_call())), "ok");
  EXPECT_EQ(server.requests(), 2);

  FakeServer refuses([&](FakeSocket& socket, const FakeRequest&, int) {
    socket.answer(400, R"({"__type":"ExpiredTokenException","message":"expired"})");
  });
  EXPECT_EQ(outcome(open_endpoint(refuses.url())->call(simple_call())), "kms-unauthenticated");
  EXPECT_EQ(refuses.requests(), 1) << "the same credentials again would be refused again";
}

TEST_F(Endpoint, SaysWhereTheCredentialsAreMissing) {
  environment_.set("AWS_ACCESS_KEY_ID", std::nullopt);
  environment_.set("AWS_SHARED_CREDENTIALS_FILE", temp_ / "none");
  FakeServer server([](FakeSocket& socket, const FakeRequest&, int) { socket.answer(200, "{}"); });
  EXPECT_EQ(outcome(open_endpoint(server.url())->call(simple_call())), "kms-unauthenticated");
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(Endpoint, HoldsNoMoreConnectionsThanItMay) {
  constexpr int kThreads = 16;
  RemotePolicy policy = quick_policy();
  policy.call_ns = 20'000 * kNsPerMs;
  policy.pool.connections = 4;
  FakeServer server([](FakeSocket& socket, const FakeRequest&, int) {
    socket.sleep_ms(5);
    socket.answer(200, "{}");
  });
  const auto endpoint = open_endpoint(server.url(), policy);
  std::atomic<int> answered = 0;
  {
    std::latch ready(kThreads);
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        ready.arrive_and_wait();
        for (int n = 0; n < 10; ++n)
          if (endpoint->call(simple_call(policy.call_ns))) ++answered;
      });
  }
  EXPECT_EQ(answered, kThreads * 10);
  EXPECT_LE(server.most_at_once(), 4);
  EXPECT_LE(server.connections(), 4);
}

// Services of all moods under many threads; for the thread sanitizer.
TEST_F(Endpoint, ServesManyThreadsWhateverTheServiceDoes) {
  RemotePolicy policy = quick_policy();
  policy.call_ns = 200 * kNsPerMs;
  policy.away_ns = 1 * kNsPerMs;
  policy.pool.connections = 4;
  FakeServer server([](FakeSocket& socket, const FakeRequest&, int number) {
    switch (number % 7) {
      case 0:
        return socket.close();
      case 1:
        return socket.reset();
      case 2:
        return socket.answer(400, kThrottled);
      case 3:
        return socket.send("rubbish\r\n\r\n");
      default:
        return socket.answer(200, "{}");
    }
  });
  const auto endpoint = open_endpoint(server.url(), policy);
  std::atomic<int> answered = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        for (int n = 0; n < 50; ++n)
          if (endpoint->call(simple_call(policy.call_ns))) ++answered;
      });
  }
  EXPECT_GT(answered, 0);
}

}  // namespace
}  // namespace enfold
