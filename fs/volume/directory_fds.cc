#include "fs/volume/directory_fds.h"

namespace enfold {

SharedFd DirectoryFds::find(InodeNumber directory) {
  const std::lock_guard lock(mutex_);
  const auto found = by_number_.find(directory);
  if (found == by_number_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->second;
}

void DirectoryFds::keep(InodeNumber directory, SharedFd fd) {
  Entries dropped;  // closed after the lock
  const std::lock_guard lock(mutex_);
  if (by_number_.contains(directory)) return;
  entries_.emplace_front(directory, std::move(fd));
  by_number_.emplace(directory, entries_.begin());
  if (entries_.size() <= capacity_) return;
  by_number_.erase(entries_.back().first);
  dropped.splice(dropped.begin(), entries_, std::prev(entries_.end()));
}

void DirectoryFds::drop(InodeNumber directory) {
  Entries dropped;
  const std::lock_guard lock(mutex_);
  const auto found = by_number_.find(directory);
  if (found == by_number_.end()) return;
  dropped.splice(dropped.begin(), entries_, found->second);
  by_number_.erase(found);
}

}  // namespace enfold
