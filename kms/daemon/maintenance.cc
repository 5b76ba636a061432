#include "kms/daemon/maintenance.h"

#include <chrono>
#include <exception>

#include "kms/base/log.h"

namespace enfold {
namespace {

constexpr std::int64_t kLeastSleepMs = 1'000;
constexpr std::int64_t kMostSleepMs = 60'000;

std::optional<std::int64_t> run_once(DueWork& work) {
  try {
    auto next = work.run_due();
    if (next) return *next;
    log_error("what is due could not be done: " + describe(next.error()) + "; it is tried again in a minute");
  } catch (const std::exception& error) {
    log_error(std::string("what is due could not be done: ") + error.what());
  }
  return std::nullopt;
}

}  // namespace

std::int64_t maintenance_sleep_ms(std::int64_t now_unix_ms, std::optional<std::int64_t> due_unix_ms) {
  if (!due_unix_ms || *due_unix_ms > now_unix_ms + kMostSleepMs) return kMostSleepMs;
  return *due_unix_ms < now_unix_ms + kLeastSleepMs ? kLeastSleepMs : *due_unix_ms - now_unix_ms;
}

Maintenance::Maintenance(DueWork& work, Clock& clock)
    : work_(work), clock_(clock), thread_([this] { run(); }) {}

Maintenance::~Maintenance() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Maintenance::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void Maintenance::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    lock.unlock();
    const auto due = run_once(work_);
    const std::chrono::milliseconds sleep(maintenance_sleep_ms(clock_.unix_ms(), due));
    lock.lock();
    changed_.wait_for(lock, sleep, [&] { return ending_ || woken_; });
    woken_ = false;
  }
}

}  // namespace enfold
