// The thread that takes connections in and watches their deadlines.
#pragma once

#include <thread>
#include <vector>

#include "kms/daemon/connections.h"
#include "kms/daemon/line_limit.h"
#include "kms/daemon/listener.h"

namespace enfold {

// Gets accepted sockets; called from the loop's thread.
class Admitting {
 public:
  Admitting() = default;
  Admitting(const Admitting&) = delete;
  Admitting& operator=(const Admitting&) = delete;
  virtual ~Admitting() = default;
  virtual void admit(Fd socket, const ConnectionPeer& peer, Connections::Admission admission) = 0;
};

class AcceptLoop {
 public:
  // Looks after `connections` every `watch_ms` while there are any. All outlive the loop.
  static Result<std::unique_ptr<AcceptLoop>> start(std::vector<Listener> listeners, Connections& connections,
                                                   Admitting& admitting, Clock& clock, std::int64_t watch_ms);
  AcceptLoop(const AcceptLoop&) = delete;
  AcceptLoop& operator=(const AcceptLoop&) = delete;
  ~AcceptLoop();

  // Takes in what has connected already and then no more; own sockets close, and their files go. Deadlines
  // are still watched.
  void stop_accepting();

 private:
  AcceptLoop(std::vector<Listener> listeners, Connections& connections, Admitting& admitting, Clock& clock,
             std::int64_t watch_ms, Fd wake);
  void run();
  void accept_all(const Listener& listener);
  void admit(Fd socket, const Listener& listener);

  std::vector<Listener> listeners_;  // the thread's
  Connections& connections_;
  Admitting& admitting_;
  Clock& clock_;
  const std::int64_t watch_ms_;
  LineLimit refusals_;
  Fd wake_;
  std::atomic<bool> accepting_ = true;
  std::atomic<bool> closed_ = false;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace enfold
