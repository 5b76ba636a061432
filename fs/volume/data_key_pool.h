// Data keys of files that are still to be made, fetched ahead, so that making a file does not wait for a KMS
// that is another process or far away. Filled by a thread of its own, only after a key was taken: a mount in
// which no file is made asks for none.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "fs/format/ids.h"
#include "kms/client/kms_client.h"

namespace enfold {

// A file id, and the data key that the KMS made and wrapped for it.
struct ReadyDataKey {
  FileId file;
  GeneratedDataKey key;
  std::int64_t good_until_ns = 0;  // Clock::monotonic_ns, counted from before the KMS was asked
};

// Asks the KMS. Thread-safe.
class DataKeySource {
 public:
  DataKeySource() = default;
  DataKeySource(const DataKeySource&) = delete;
  DataKeySource& operator=(const DataKeySource&) = delete;
  virtual ~DataKeySource() = default;
  // A key of a new file.
  virtual Result<ReadyDataKey> generate() = 0;
  // That the KMS opens each of them, at least one, to what it answered: one call where it has batches.
  virtual Result<void> check_opens(std::span<ReadyDataKey> keys) = 0;
};

// Thread-safe.
class DataKeyPool {
 public:
  // `source` outlives the pool.
  explicit DataKeyPool(DataKeySource& source) : source_(source) {}
  DataKeyPool(const DataKeyPool&) = delete;
  DataKeyPool& operator=(const DataKeyPool&) = delete;
  ~DataKeyPool();

  // A key that is good past `now_ns`; nothing where none is ready, and then the caller asks the KMS itself,
  // which also tells it why. Either way the pool is filled again behind its back.
  std::optional<ReadyDataKey> take(std::int64_t now_ns);

  // What was fetched or is being fetched is not given out: it may be wrapped by a key or material that is not
  // to be used any more.
  void drop();

  static constexpr std::size_t kMost = 128;
  static constexpr std::size_t kAtOnce = 16;  // that the KMS is asked to open

 private:
  using ReadyDataKeys = std::vector<ReadyDataKey>;

  void work();
  // With mutex_ held, which these two let go while the KMS is asked.
  bool fill(std::unique_lock<std::mutex>& lock);
  std::optional<ReadyDataKeys> generate_some(std::unique_lock<std::mutex>& lock, std::uint64_t asked_in);
  // With mutex_ held.
  void wish_for_more();
  void add(ReadyDataKey key, std::uint64_t asked_in);

  DataKeySource& source_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wanted_;
  std::deque<ReadyDataKey> ready_;  // the oldest first
  std::size_t wish_ = 0;            // how many are to be ready
  std::uint64_t drops_ = 0;
  bool is_filling_ = false;
  bool is_ending_ = false;
  std::thread thread_;  // from the first take() on
};

}  // namespace enfold
