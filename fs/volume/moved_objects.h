// What gets another name while a pass over the tree runs, perhaps out of what the pass would still have seen.
#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fs/volume/places.h"

namespace enfold {

// Thread-safe. One pass at a time.
class MovedObjects {
 public:
  MovedObjects(InodeTable& table, Places& places) : table_(table), places_(places) {}

  void begin() { is_noting_.store(true, std::memory_order_release); }
  void end();
  [[nodiscard]] bool is_noting() const { return is_noting_.load(std::memory_order_acquire); }

  // With names() held exclusively: something is at this place that was elsewhere, or has one name more.
  void note(const Link& link);

  // The places that were noted since the last call, each once; their directories are pinned, and unpinned by
  // drop().
  std::vector<Link> take();
  void drop(const Link& link) { places_.unpin(link.parent); }

 private:
  InodeTable& table_;
  Places& places_;
  std::atomic<bool> is_noting_{false};
  std::mutex mutex_;  // guards what follows
  std::set<std::pair<InodeNumber, std::string>> known_;
  std::vector<Link> links_;
};

}  // namespace enfold
