// What the parts of an open volume share. All references outlive every part; all members are thread-safe.
#pragma once

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

// Thread-safe.
class FileIdSet {
 public:
  void add(const FileId& file) {
    const std::lock_guard lock(mutex_);
    files_.insert(file);
  }
  void remove(const FileId& file) {
    const std::lock_guard lock(mutex_);
    files_.erase(file);
  }
  [[nodiscard]] bool contains(const FileId& file) const {
    const std::lock_guard lock(mutex_);
    return files_.contains(file);
  }
  [[nodiscard]] bool empty() const {
    const std::lock_guard lock(mutex_);
    return files_.empty();
  }

 private:
  mutable std::mutex mutex_;
  std::set<FileId> files_;
};

struct VolumeContext {
  Files& files;
  Entropy& entropy;
  Clock& clock;
  const VolumeKeys& keys;
  KeyCache& file_keys;
  Epochs& epochs;
  bool read_only = false;
  // Files whose seal failed in this mount: their record does not say how long they are.
  FileIdSet unsealed{};
  // Files whose sync failed in this mount: no later one may say that they are durable.
  FileIdSet unsyncable{};
};

}  // namespace enfold
