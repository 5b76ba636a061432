// The connections that there are: how many may be, whose they are, and what ends them. Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "kms/wire/kms_service.h"

namespace enfold {

// What others may do to a connection, from any thread while it is registered. None of it waits.
class Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;

  virtual void expire(std::int64_t now_ns) = 0;  // ends what it waits for, where that took too long
  virtual void end_if_idle() = 0;                // nothing of a request has come
  virtual void cut() = 0;                        // at once
};

class Connections {
 public:
  struct Limits {
    std::size_t all = 256;
    // Of one Unix user; those over TCP together count as one. Nor has one more than are left free.
    std::size_t of_one_peer = 128;
    std::size_t turned_away = 64;  // that are being told that there are too many
  };
  enum class Admission : std::uint8_t { kServed, kTurnedAway, kDropped };

  explicit Connections(Limits limits) : limits_(limits) {}

  // What there is room for, now.
  [[nodiscard]] Admission admission(const ConnectionPeer& peer) const;
  void add(std::shared_ptr<Connection> connection, const ConnectionPeer& peer, Admission admission);
  // Afterwards nobody touches it any more.
  void remove(Connection& connection);

  void expire(std::int64_t now_ns);
  // From now on is_draining(); idle connections end.
  void drain();
  void cut();
  // When no thread serves any more.
  void forget();
  [[nodiscard]] bool is_draining() const { return draining_.load(); }
  // False where there are some after that time.
  [[nodiscard]] bool wait_until_none(std::int64_t timeout_ms);
  [[nodiscard]] bool empty() const;

 private:
  struct Entry {
    std::shared_ptr<Connection> connection;
    std::optional<std::uint32_t> peer;
    Admission admission;
  };

  const Limits limits_;
  std::atomic<bool> draining_ = false;
  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable none_;
  std::map<Connection*, Entry> entries_;
  std::map<std::optional<std::uint32_t>, std::size_t> served_of_;
  std::size_t served_ = 0;
  std::size_t turned_away_ = 0;
};

}  // namespace enfold
