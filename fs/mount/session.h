// One mounted FUSE session: the mount itself, the threads that serve it, and the end of both.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "fs/mount/mount_options.h"
#include "fs/mount/requests.h"
#include "fs/mount/stop_signals.h"

namespace enfold {

class Session {
 public:
  struct Place {
    std::string point;   // canonical
    std::string source;  // what the mount table shows
  };

  // Mounts. The error says what libfuse or fusermount3 printed: kUnsupported.
  static Result<std::unique_ptr<Session>> mount(Mounted& mounted, Place place, const MountOptions& options);

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();  // unmounts

  // Answers requests until the mount is gone or `stop` wakes. Calls `ready` once the mount point is live.
  // When stopped, what the kernel still holds of shared mappings is sent to be written before the end.
  Result<void> serve(StopSignals& stop, const std::function<void()>& ready);

 private:
  Session(fuse_session* session, Mounted& mounted, Place place)
      : session_(session), mounted_(mounted), place_(std::move(place)) {}

  void loop(StopSignals& stop);
  void become_live();
  void end(StopSignals& stop, std::thread& serving);
  void wait_for_the_loop(StopSignals& stop, int timeout_ms);

  fuse_session* session_;
  Mounted& mounted_;
  Place place_;
  std::atomic<bool> ended_ = false;
  int loop_result_ = 0;
};

}  // namespace enfold
