// Makes what was changed durable, epoch by epoch, and carries out what a crash left to do.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "fs/volume/epochs.h"
#include "kms/base/files.h"

namespace enfold {

// run_once() and recover() are for one thread at a time: the one that start() makes, or a test's.
class Checkpoints {
 public:
  struct Steps {
    std::function<Result<void>(const CrashEpoch&)> record;               // the durable epoch, synced
    std::function<void()> recorded;                                      // it counts from now on
    std::function<Result<bool>(const std::atomic<bool>& stop)> recover;  // whether the whole tree was passed
  };
  // `root` is held open from before the first change on, so that syncfs on it reports each failed write-back.
  Checkpoints(Files& files, int root, Epochs& epochs, Steps steps)
      : files_(files), root_(root), epochs_(epochs), steps_(std::move(steps)) {}
  Checkpoints(const Checkpoints&) = delete;
  Checkpoints& operator=(const Checkpoints&) = delete;
  ~Checkpoints() { stop(); }

  // All that was changed before is on the device when this returns, and recorded as such. Nothing to do while
  // recovering; after a failed sync it fails with that.
  Result<void> run_once();

  // Passes over what the crashed mount left, and ends the recovery. False where it was stopped or left
  // something undone, which the next mount takes up.
  Result<bool> recover();

  // A thread that recovers first, again each minute until nothing is left undone, then runs a checkpoint some
  // seconds after a change, and sleeps while there is none.
  void start();
  void stop();

 private:
  Result<void> make_durable();
  void work();
  bool wait_for_change();  // false: stop
  bool recover_patiently();
  bool pause(std::chrono::seconds time);  // false: stop
  void wake();

  Files& files_;
  int root_;
  Epochs& epochs_;
  Steps steps_;

  std::mutex mutex_;
  std::condition_variable woken_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace enfold
