#include "kms/daemon/connections.h"

#include <algorithm>
#include <chrono>

namespace enfold {

Connections::Admission Connections::admission(const ConnectionPeer& peer) const {
  const std::lock_guard lock(mutex_);
  const auto same = served_of_.find(peer.unix_id);
  const std::size_t of_this_peer = same == served_of_.end() ? 0 : same->second;
  // Nobody has more than is left free: whoever uses both kinds of sockets, or several users, leaves some.
  const std::size_t most = std::min(limits_.of_one_peer, limits_.all - std::min(served_, limits_.all));
  if (of_this_peer < most) return Admission::kServed;
  return turned_away_ < limits_.turned_away ? Admission::kTurnedAway : Admission::kDropped;
}

void Connections::add(std::shared_ptr<Connection> connection, const ConnectionPeer& peer,
                      Admission admission) {
  const std::lock_guard lock(mutex_);
  if (admission == Admission::kServed) {
    ++served_;
    ++served_of_[peer.unix_id];
  } else {
    ++turned_away_;
  }
  Connection* key = connection.get();
  entries_.emplace(key, Entry{std::move(connection), peer.unix_id, admission});
}

void Connections::remove(Connection& connection) {
  std::shared_ptr<Connection> last;  // so that it goes when the lock is free again
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(&connection);
  if (found == entries_.end()) return;
  if (found->second.admission == Admission::kServed) {
    --served_;
    const auto same = served_of_.find(found->second.peer);
    if (--same->second == 0) served_of_.erase(same);
  } else {
    --turned_away_;
  }
  last = std::move(found->second.connection);
  entries_.erase(found);
  if (entries_.empty()) none_.notify_all();
}

void Connections::expire(std::int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, entry] : entries_) key->expire(now_ns);
}

void Connections::drain() {
  draining_ = true;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, entry] : entries_) key->end_if_idle();
}

void Connections::cut() {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, entry] : entries_) key->cut();
}

void Connections::forget() {
  std::map<Connection*, Entry> gone;
  const std::lock_guard lock(mutex_);
  gone.swap(entries_);
}

bool Connections::wait_until_none(std::int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  return none_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return entries_.empty(); });
}

bool Connections::empty() const {
  const std::lock_guard lock(mutex_);
  return entries_.empty();
}

}  // namespace enfold
