// SQLite's write-ahead logs, with each of their syncs seen.
#pragma once

#include <functional>

namespace enfold {

// Of the databases that are opened while this lives, which close before it goes. One at a time.
class WatchedLog {
 public:
  WatchedLog();
  WatchedLog(const WatchedLog&) = delete;
  WatchedLog& operator=(const WatchedLog&) = delete;
  ~WatchedLog();

  // Runs before each sync.
  std::function<void()> on_sync = [] {};
};

}  // namespace enfold
