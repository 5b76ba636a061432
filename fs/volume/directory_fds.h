// The descriptors of the lower directories used last.
#pragma once

#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "fs/volume/inode.h"

namespace enfold {

// Least recently used goes first. Thread-safe. A descriptor in use elsewhere stays open until that use ends.
class DirectoryFds {
 public:
  explicit DirectoryFds(std::size_t capacity) : capacity_(capacity) {}

  SharedFd find(InodeNumber directory);
  void keep(InodeNumber directory, SharedFd fd);
  void drop(InodeNumber directory);

 private:
  using Entries = std::list<std::pair<InodeNumber, SharedFd>>;  // the one used last in front

  std::size_t capacity_;
  std::mutex mutex_;
  Entries entries_;
  std::unordered_map<InodeNumber, Entries::iterator> by_number_;
};

}  // namespace enfold
