// All lower files of a tree, in batches, for several threads: what a pass over every header works on.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include "fs/volume/lower_walk.h"
#include "fs/volume/tree_parts.h"

namespace enfold {

// A name that a listing calls a regular file, or leaves open. What is behind it may be a special object, or
// gone.
struct ListedFile {
  Link link;                // its directory is pinned while the batch is worked on
  bool is_foreign = false;  // not a name that Enfold makes
  bool is_lost = false;     // set aside by a recovery
  InodePtr inode{};         // where it is known who is meant, under whatever name; with a lookup meanwhile
};
using FileBatch = std::vector<ListedFile>;

// One run() by one thread. What is renamed or gets another name while it runs is in a batch again.
class FileBatches : private LowerWalk::Visitor {
 public:
  struct Work {
    unsigned threads = 1;
    std::size_t batch_files = 256;
    std::function<void(const FileBatch&)> take;  // called by all of the threads
    // A directory or another entry that cannot be reached; the root has no link.
    std::function<void(const Error&, const Link& link)> not_seen;
  };
  explicit FileBatches(TreeParts& parts)
      : parts_(parts), walk_(parts.context.files, parts.table, parts.places) {}

  // Returns when all batches are done, or soon after `stop` became true.
  void run(const Work& work, const std::atomic<bool>& stop);

  // How many names of files there are, by the listings alone.
  std::uint64_t count(const std::atomic<bool>& stop);

 private:
  bool enter(const InodePtr& directory) override;
  bool wants(const InodePtr& directory, const LowerEntry& entry) override;
  void object(const Link& link) override;
  InodePtr find(const Link& link) override;
  void not_listed(const Error& error, const InodePtr& directory) override;

  void start(std::vector<std::thread>& threads);
  void not_seen(const Error& error, const Link& link);
  void walk_all(const std::atomic<bool>& stop);
  void take_moved();
  void walk_again(const Link& link, const std::atomic<bool>& stop);
  [[nodiscard]] ListedFile listed(const Link& link, InodePtr inode = nullptr) const;
  [[nodiscard]] bool is_foreign(const Link& link) const;
  [[nodiscard]] bool is_same_filesystem(const LowerId& lower) const;
  void hand_over();
  void hand_over_moved();
  void wait_for_all();
  void work(const std::atomic<bool>& stop);
  void finish(const FileBatch& batch);

  TreeParts& parts_;
  LowerWalk walk_;
  const Work* work_ = nullptr;  // null: only counts
  const std::atomic<bool>* stop_ = nullptr;
  std::uint64_t count_ = 0;
  InodeNumber lost_ = 0;  // of enfold.lost, where any name may be one of ours
  FileBatch next_;        // being filled
  std::vector<Link> moved_directories_;
  std::unordered_set<LowerId, LowerIdHash> walked_again_;
  std::unordered_set<InodeNumber>
      foreign_;  // directories of which all is foreign, a sync tool's old versions

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<FileBatch> waiting_;
  unsigned working_ = 0;  // threads that have a batch
  bool is_complete_ = false;
};

}  // namespace enfold
