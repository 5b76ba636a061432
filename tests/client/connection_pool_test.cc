// Connections that are kept, and connectors that fail in ways that no service does.
#include "kms/client/connection_pool.h"

#include <functional>
#include <new>

#include "tests/client/support.h"

namespace enfold {
namespace {

class IdleConnection final : public KmsConnection {
 public:
  Transported<HttpReply> exchange(std::string_view, std::size_t, std::int64_t) override {
    HttpReply reply;
    reply.status = 200;
    reply.body = "{}";
    return reply;
  }
  [[nodiscard]] bool is_reusable() override { return true; }
};

// Does as `next` says.
class ScriptedConnector final : public KmsConnector {
 public:
  using Connected = Transported<std::unique_ptr<KmsConnection>>;
  explicit ScriptedConnector(std::function<Connected()>& next) : next_(next) {}
  Connected connect(std::int64_t /*timeout_ns*/) override { return next_(); }

 private:
  std::function<Connected()>& next_;
};

class ConnectionPools : public ::testing::Test {
 protected:
  using Connected = ScriptedConnector::Connected;
  using Wanted = ConnectionPool::Wanted;

  static Connected refuse() {
    return std::unexpected(TransportError{TransportFault::kNotReached, "it is away"});
  }
  static Connected run_out_of_memory() { throw std::bad_alloc(); }
  Connected make() {
    ++made_;
    return std::make_unique<IdleConnection>();
  }
  std::function<Connected()> making() {
    return [this] { return make(); };
  }

  int made_ = 0;
  std::function<Connected()> next_ = making();
  ManualClock clock_;
};

TEST_F(ConnectionPools, TrustNoConnectionThatIdledTooLong) {
  ConnectionPool::Limits limits;
  limits.max_idle_ns = 50'000 * kNsPerMs;
  ConnectionPool pool(std::make_unique<ScriptedConnector>(next_), clock_, limits);
  const auto take = [&] { return pool.take(Wanted::kAny, Deadline(clock_, 1'000 * kNsPerMs)); };
  ASSERT_TRUE(take());
  clock_.now_ms += 50'000;
  EXPECT_TRUE(take().value().is_kept());
  clock_.now_ms += 50'001;
  EXPECT_FALSE(take().value().is_kept());
  EXPECT_EQ(made_, 2);
}

// Room that is lost with each exception would end in a pool that has none.
TEST_F(ConnectionPools, HaveTheirRoomBackAfterAnException) {
  ConnectionPool::Limits limits;
  limits.connections = 1;
  ConnectionPool pool(std::make_unique<ScriptedConnector>(next_), clock_, limits);
  const auto take = [&] { return pool.take(Wanted::kAny, Deadline(clock_, 10 * kNsPerMs)); };
  next_ = &run_out_of_memory;
  EXPECT_THROW(EXPECT_FALSE(take()), std::bad_alloc);
  next_ = making();
  EXPECT_TRUE(take()) << "all connections are waiting for answers";
}

// Memory ran out once while one call tried whether the service is back, and no later call tried again.
TEST_F(ConnectionPools, AnExceptionOfWhoTriesLeavesTheTryingToTheNext) {
  const ClientEnvironment environment;
  RemotePolicy policy = quick_policy();
  policy.call_ns = 50 * kNsPerMs;
  policy.attempts = 1;
  RemoteEndpoint endpoint(parse_kms_url("unix:/none").value(), std::make_unique<ScriptedConnector>(next_),
                          policy);
  const auto call = [&] { return outcome(endpoint.call(simple_call(policy.call_ns))); };
  next_ = &refuse;
  EXPECT_EQ(call(), "kms-unavailable");
  next_ = &run_out_of_memory;
  EXPECT_THROW(call(), std::bad_alloc);
  next_ = making();
  EXPECT_EQ(call(), "ok");
}

}  // namespace
}  // namespace enfold
