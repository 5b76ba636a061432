#include "fs/volume/moved_objects.h"

namespace enfold {

void MovedObjects::note(const Link& link) {
  if (!is_noting_.load(std::memory_order_acquire)) return;
  const std::lock_guard lock(mutex_);
  if (!known_.emplace(link.parent->number, link.lower_name).second) return;
  table_.pin(*link.parent);
  links_.push_back(link);
}

std::vector<Link> MovedObjects::take() {
  const std::lock_guard lock(mutex_);
  known_.clear();
  return std::exchange(links_, {});
}

void MovedObjects::end() {
  is_noting_.store(false, std::memory_order_release);
  for (const Link& link : take()) drop(link);
}

}  // namespace enfold
