// The thread that does on time what the engine has planned: deletions and rotations.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "kms/base/clock.h"
#include "kms/base/error.h"

namespace enfold {

// As Engine::run_due: does what is due, and answers when the next is, in Clock::unix_ms.
class DueWork {
 public:
  DueWork() = default;
  DueWork(const DueWork&) = delete;
  DueWork& operator=(const DueWork&) = delete;
  virtual ~DueWork() = default;
  virtual Result<std::optional<std::int64_t>> run_due() = 0;
};

// How long to sleep: until it is due, at least a second and at most a minute, since others may plan something
// meanwhile, and the clock may be set.
std::int64_t maintenance_sleep_ms(std::int64_t now_unix_ms, std::optional<std::int64_t> due_unix_ms);

class Maintenance {
 public:
  // Runs `work` at once and then on time; what fails is logged and tried again. Both outlive this.
  Maintenance(DueWork& work, Clock& clock);
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;
  // Waits for what runs.
  ~Maintenance();

  // Looks again now, whatever it sleeps for; tests do not wait a minute.
  void wake();

 private:
  void run();

  DueWork& work_;
  Clock& clock_;
  std::mutex mutex_;  // guards the two below
  bool ending_ = false;
  bool woken_ = false;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace enfold
