// What the parts of an open volume share. All references outlive every part; all members are thread-safe.
#pragma once

#include <atomic>
#include <mutex>
#include <set>

#include "fs/format/header.h"
#include "fs/format/keys.h"
#include "fs/volume/epochs.h"
#include "fs/volume/key_cache.h"
#include "kms/base/clock.h"
#include "kms/base/entropy.h"
#include "kms/base/files.h"

namespace enfold {

// Thread-safe. Mostly empty, and asked at each lookup, open and fsync: that takes no lock.
class FileIdSet {
 public:
  void add(const FileId& file) {
    const std::lock_guard lock(mutex_);
    files_.insert(file);
    size_.store(files_.size(), std::memory_order_release);
  }
  void remove(const FileId& file) {
    if (empty()) return;
    const std::lock_guard lock(mutex_);
    files_.erase(file);
    size_.store(files_.size(), std::memory_order_release);
  }
  [[nodiscard]] bool contains(const FileId& file) const {
    if (empty()) return false;
    const std::lock_guard lock(mutex_);
    return files_.contains(file);
  }
  [[nodiscard]] bool empty() const { return size_.load(std::memory_order_acquire) == 0; }

 private:
  mutable std::mutex mutex_;
  std::set<FileId> files_;
  std::atomic<std::size_t> size_ = 0;
};

// When the lower filesystem moves access times (mount(8)): never, with noatime here or there; where they are
// older than the last change or than a day; at each read.
enum class AccessTimes : std::uint8_t { kNever, kRelative, kStrict };

struct VolumeContext {
  Files& files;
  Entropy& entropy;
  Clock& clock;
  const VolumeKeys& keys;
  KeyCache& file_keys;
  Epochs& epochs;
  bool read_only = false;
  AccessTimes access_times = AccessTimes::kRelative;
  // Files whose seal failed in this mount: their record does not say how long they are.
  FileIdSet unsealed{};
  // Files whose sync failed in this mount: no later one may say that they are durable.
  FileIdSet unsyncable{};
  // Files whose header names other data keys than the device may have, for a failure on a failure: nothing
  // may be sealed under them.
  FileIdSet unsure_headers{};
};

}  // namespace enfold
