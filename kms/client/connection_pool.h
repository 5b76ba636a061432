// Connections to one key service, kept for the next request: at most so many, each lent to one caller.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "kms/base/clock.h"
#include "kms/client/connection.h"
#include "kms/client/deadline.h"

namespace enfold {

// Thread-safe.
class ConnectionPool {
 public:
  struct Limits {
    std::size_t connections = 32;  // lent and kept together
    std::int64_t connect_ns = 2'000 * kNsPerMs;
    std::int64_t max_idle_ns = 50'000 * kNsPerMs;  // one that idles longer is not trusted any more
  };

  // `clock` outlives the pool.
  ConnectionPool(std::unique_ptr<KmsConnector> connector, Clock& clock, Limits limits)
      : connector_(std::move(connector)), clock_(clock), limits_(limits) {
    idle_.reserve(limits.connections + 1);  // giving back does not throw
  }

  // Goes back to the pool at its end, where it is of further use.
  class Lease {
   public:
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          connection_(std::move(other.connection_)),
          is_kept_(other.is_kept_) {}
    Lease& operator=(Lease&& other) = delete;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      if (pool_ != nullptr) pool_->give_back(std::move(connection_));
    }

    KmsConnection& operator*() const { return *connection_; }
    KmsConnection* operator->() const { return connection_.get(); }
    // It has served before, so the other end may have closed it meanwhile.
    [[nodiscard]] bool is_kept() const { return is_kept_; }

   private:
    friend ConnectionPool;
    explicit Lease(ConnectionPool& pool) : pool_(&pool) {}

    ConnectionPool* pool_;
    std::unique_ptr<KmsConnection> connection_;
    bool is_kept_ = false;
  };

  enum class Wanted : std::uint8_t { kAny, kFresh };
  Transported<Lease> take(Wanted wanted, const Deadline& deadline);

 private:
  struct Idle {
    std::unique_ptr<KmsConnection> connection;
    std::int64_t since_ns;
  };

  std::unique_ptr<KmsConnection> take_kept();
  bool wait_for_room(const Deadline& deadline);
  void give_back(std::unique_ptr<KmsConnection> connection);

  std::unique_ptr<KmsConnector> connector_;
  Clock& clock_;
  Limits limits_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable returned_;
  std::vector<Idle> idle_;  // the last used at the end
  std::size_t lent_ = 0;
};

}  // namespace enfold
