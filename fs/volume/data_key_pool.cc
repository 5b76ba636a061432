#include "fs/volume/data_key_pool.h"

#include <algorithm>

namespace enfold {
namespace {

constexpr std::size_t kFewest = 4;
constexpr std::int64_t kMomentNs = 50'000'000;

}  // namespace

DataKeyPool::~DataKeyPool() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  wanted_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::optional<ReadyDataKey> DataKeyPool::take(std::int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  if (std::erase_if(ready_, [&](const ReadyDataKey& key) { return key.good_until_ns <= now_ns; }) > 0)
    wish_ = 0;
  if (ready_.size() * 2 <= wish_) wish_for_more();
  if (ready_.empty()) return std::nullopt;
  ReadyDataKey key = std::move(ready_.front());
  ready_.pop_front();
  return key;
}

// Twice as many each time that all were taken, few again when some grew too old: who makes many files at once
// gets a deep pool, and who makes one now and then pays for few keys that nobody takes.
void DataKeyPool::wish_for_more() {
  if (ready_.empty()) wish_ = std::clamp(wish_ * 2, kFewest, kMost);
  is_filling_ = true;
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  wanted_.notify_one();
}

void DataKeyPool::drop() {
  const std::lock_guard lock(mutex_);
  ready_.clear();
  ++drops_;
}

// A KMS that does not answer, or answers wrong, is left alone until the next file is made.
void DataKeyPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [this] { return is_ending_ || is_filling_; });
    if (is_ending_) return;
    const bool is_well = fill(lock);
    if (!is_well) wish_ = 0;
    if (!is_well || ready_.size() >= wish_) is_filling_ = false;
  }
}

// Whether the KMS did what it was asked.
bool DataKeyPool::fill(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t asked_in = drops_;
  auto made = generate_some(lock, asked_in);
  if (!made) return false;
  if (is_ending_ || asked_in != drops_) return true;
  lock.unlock();
  const bool opens = source_.check_opens(*made).has_value();
  lock.lock();
  if (opens)
    for (ReadyDataKey& key : *made) add(std::move(key), asked_in);
  return opens;
}

// As many as come in a moment: who unmounts beside a slow KMS waits until it has opened these, one by one
// where it has no batches.
std::optional<DataKeyPool::ReadyDataKeys> DataKeyPool::generate_some(std::unique_lock<std::mutex>& lock,
                                                                     std::uint64_t asked_in) {
  const std::size_t wanted = wish_ > ready_.size() ? wish_ - ready_.size() : 1;
  ReadyDataKeys made;
  while (made.size() < std::min(wanted, kAtOnce) && !is_ending_ && asked_in == drops_) {
    lock.unlock();
    auto next = source_.generate();
    lock.lock();
    if (!next) return std::nullopt;
    made.push_back(*std::move(next));
    if (made.back().good_until_ns - made.front().good_until_ns > kMomentNs) break;
  }
  return made;
}

// A key by other material than those before it says that the master key was rotated meanwhile.
void DataKeyPool::add(ReadyDataKey key, std::uint64_t asked_in) {
  if (asked_in != drops_) return;
  if (!ready_.empty() && ready_.back().key.material_id != key.key.material_id) ready_.clear();
  ready_.push_back(std::move(key));
}

}  // namespace enfold
