// One pass over the headers of all files: counts by what they are wrapped, and re-keys what is not on the
// target yet.
#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <unordered_set>

#include "fs/volume/file_batches.h"
#include "fs/volume/rekey_target.h"

namespace enfold {

// The passes of one re-keying. One run() at a time; beside all other calls on the tree.
class RekeyPass {
 public:
  // `jobs` threads work on batches of their own.
  RekeyPass(TreeParts& parts, unsigned jobs, RekeyObserver& observer);

  // Only looks.
  Result<KeyUses> count(const RekeyTarget& target);
  // Re-keys; the answer is what the pass saw before it changed it. kBusy where the observer ended it; what
  // concerns one file is a finding, what would concern all of them is an error: a KMS that does not answer, a
  // wanted key that refuses, a sync that fails. Nothing is lost by either.
  Result<KeyUses> run(const RekeyTarget& target);

  [[nodiscard]] const RekeyCounts& counts() const { return counts_; }
  // Whether the last pass changed anything.
  [[nodiscard]] bool found_work() const { return found_work_; }
  // Another material than the target's, with which the KMS wrapped in the last pass, if there was one; empty
  // where it named none.
  [[nodiscard]] const std::optional<std::string>& other_material() const { return other_material_; }

 private:
  friend class RekeyBatch;

  Result<KeyUses> pass(const RekeyTarget& target, bool changes);
  void look_at_nameless(const RekeyTarget& target, bool changes);
  [[nodiscard]] unsigned threads() const;
  [[nodiscard]] std::size_t batch_files() const;

  // For the batches, from any thread.
  void looked_at(const FileBatch& batch);
  void uses(const Envelope& envelope);
  void report(Severity severity, const Link& link, const std::string& what, bool is_verified);
  void rekeyed(bool renewed);
  void wiped();
  void found_file();
  void found_to_do();
  void wrapped_with(const std::string& other_material);
  // One batch at a time works on a file, which may have several names.
  bool claim(const Inode& inode);
  void release(const Inode& inode);
  void went_on(std::uint64_t renewed_bytes);
  void stop_with(Error error);

  TreeParts& parts_;
  unsigned jobs_;
  RekeyObserver& observer_;
  std::atomic<bool> stop_{false};

  std::mutex mutex_;  // guards what follows
  RekeyCounts counts_;
  KeyUses uses_;
  bool found_work_ = false;
  std::optional<std::string> other_material_;
  std::optional<Error> error_;
  std::unordered_set<InodeNumber> claimed_;
  std::set<std::string> reported_;  // lower paths: each once, whatever the number of passes
};

}  // namespace enfold
