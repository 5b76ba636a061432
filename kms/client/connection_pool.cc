#include "kms/client/connection_pool.h"

#include <chrono>

namespace enfold {

Transported<ConnectionPool::Lease> ConnectionPool::take(Wanted wanted, const Deadline& deadline) {
  if (!wait_for_room(deadline))
    return std::unexpected(TransportError{
        TransportFault::kNoTime,
        "all " + std::to_string(limits_.connections) + " connections to it are waiting for answers"});
  Lease lease(*this);  // gives the room back, however this ends
  if (wanted == Wanted::kAny) lease.connection_ = take_kept();
  lease.is_kept_ = lease.connection_ != nullptr;
  if (lease.is_kept_) return lease;
  auto made = connector_->connect(std::min(limits_.connect_ns, deadline.left_ns()));
  if (!made) return std::unexpected(std::move(made).error());
  lease.connection_ = *std::move(made);
  return lease;
}

// Counts the caller among those that have one.
bool ConnectionPool::wait_for_room(const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  const bool has_room = returned_.wait_for(lock, std::chrono::nanoseconds(deadline.left_ns()),
                                           [this] { return lent_ < limits_.connections; });
  if (has_room) ++lent_;
  return has_room;
}

// Null where there is none of use; those that are not go.
std::unique_ptr<KmsConnection> ConnectionPool::take_kept() {
  const std::int64_t oldest_ns = clock_.monotonic_ns() - limits_.max_idle_ns;
  for (;;) {
    Idle next;  // closed outside the lock
    {
      const std::lock_guard lock(mutex_);
      if (idle_.empty()) return nullptr;
      next = std::move(idle_.back());
      idle_.pop_back();
    }
    if (next.since_ns >= oldest_ns && next.connection->is_reusable()) return std::move(next.connection);
  }
}

void ConnectionPool::give_back(std::unique_ptr<KmsConnection> connection) {
  const bool is_kept = connection && connection->is_reusable();
  std::unique_ptr<KmsConnection> surplus;  // closed outside the lock
  {
    const std::lock_guard lock(mutex_);
    --lent_;
    if (is_kept) idle_.push_back({std::move(connection), clock_.monotonic_ns()});
    if (idle_.size() + lent_ > limits_.connections) {
      surplus = std::move(idle_.front().connection);
      idle_.erase(idle_.begin());
    }
  }
  returned_.notify_one();
}

}  // namespace enfold
