#include "kms/daemon/server.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "kms/base/log.h"
#include "kms/daemon/accept_loop.h"

namespace enfold {
namespace {

namespace asio = boost::asio;

constexpr std::int64_t kCutMs = 1'000;

unsigned threads_of(const ServerLimits& limits) {
  return limits.threads != 0 ? limits.threads : std::max(4U, std::thread::hardware_concurrency());
}

// Often enough that no deadline is missed by much more than a tenth.
std::int64_t watch_ms(const SessionLimits& limits) {
  const std::int64_t shortest =
      std::min({limits.request_ms, limits.idle_ms, limits.answer_ms, limits.linger_ms});
  return std::clamp<std::int64_t>(shortest / 10, 10, 500);
}

class AsioServer final : public Server, private Admitting {
 public:
  AsioServer(RequestHandler& handler, Clock& clock, Entropy& entropy, const ServerLimits& limits)
      : limits_(limits),
        connections_(limits.connections),
        context_{handler, connections_, clock, entropy, limits.session},
        io_(static_cast<int>(threads_of(limits))),
        work_(io_.get_executor()) {}
  AsioServer(const AsioServer&) = delete;
  AsioServer& operator=(const AsioServer&) = delete;
  ~AsioServer() override {
    accepting_.reset();
    io_.stop();
    for (std::thread& thread : threads_) thread.join();
    connections_.forget();
  }

  Result<void> run(std::vector<Listener> listeners) {
    for (unsigned i = 0; i < threads_of(limits_); ++i) threads_.emplace_back([this] { io_.run(); });
    ENFOLD_TRY_ASSIGN(accepting_, AcceptLoop::start(std::move(listeners), connections_, *this, context_.clock,
                                                    watch_ms(limits_.session)));
    return {};
  }

  bool drain() override {
    accepting_->stop_accepting();
    connections_.drain();
    if (connections_.wait_until_none(limits_.drain_ms)) return true;
    connections_.cut();
    (void)connections_.wait_until_none(kCutMs);
    return false;
  }

 private:
  void admit(Fd socket, const ConnectionPeer& peer, Connections::Admission admission) override {
    try {
      start_session(io_, std::move(socket), peer, admission, context_);
    } catch (const std::exception& error) {
      log_error(std::string("a connection could not be served: ") + error.what());
    }
  }

  const ServerLimits limits_;
  Connections connections_;
  const SessionContext context_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::vector<std::thread> threads_;
  std::unique_ptr<AcceptLoop> accepting_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(std::vector<Listener> listeners, RequestHandler& handler,
                                              Clock& clock, Entropy& entropy, const ServerLimits& limits) {
  auto server = std::make_unique<AsioServer>(handler, clock, entropy, limits);
  ENFOLD_TRY(server->run(std::move(listeners)));
  return server;
}

}  // namespace enfold
