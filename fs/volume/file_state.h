// The state record of one open file, in memory and on disk: dirty mark, key epoch and reserved writes, and
// which zero sectors are holes. The record on disk is always written before the change that it allows.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "fs/volume/sector_set.h"
#include "fs/volume/volume_context.h"
#include "fs/volume/write_budget.h"

namespace enfold {

// Thread-safe; its mutex is the last in the lock order. Lengths are in plain bytes, ends in sectors.
class FileState {
 public:
  // A created file has a dirty record whose reserved writes are all still to be used; an opened one is taken
  // as its record says.
  enum class Origin : std::uint8_t { kCreated, kOpened };
  FileState(VolumeContext& context, ConstPrefixSpan prefix, const FileId& file, const StateRecord& on_disk,
            Origin origin);

  // What a change needs of the record.
  struct Change {
    std::uint64_t length = 0;         // of the file, before the change
    std::uint64_t sector_writes = 0;  // sectors to seal
    std::uint64_t hole_end = 0;       // the change makes holes below this sector; 0 = none
  };
  // Marks the file dirty, counts the writes and raises the hole end, with a write to disk only where the
  // record there does not allow the change yet. Answers the key epoch to seal under. On failure nothing may
  // be changed.
  Result<std::uint8_t> begin_change(int fd, const Change& change);

  // A zero sector below this index is a hole.
  [[nodiscard]] std::uint64_t hole_end() const { return hole_end_.load(std::memory_order_acquire); }
  void made_hole(std::uint64_t first_sector, std::uint64_t end_sector);
  void filled(std::uint64_t first_sector, std::uint64_t end_sector);
  void cut(std::uint64_t end_sector, std::uint64_t length);

  [[nodiscard]] bool dirty();
  // Writes the clean record; nothing to do where the file is not dirty. No change is under way.
  Result<void> seal(int fd, std::uint64_t length);

  void set_parent(const DirectoryId& parent);

  // The bytes below could not be put back after a failed change: every later change and seal fails with this.
  void poison(Error error);

 private:
  [[nodiscard]] StateRecord next_record(std::uint64_t length, bool clean) const;
  Result<void> write(int fd, const StateRecord& record);
  [[nodiscard]] std::unexpected<Error> named(Error error) const;

  VolumeContext& context_;
  std::array<std::uint8_t, kPrefixBytes> prefix_;
  FileId file_;

  std::mutex mutex_;  // guards all below but the atomic, which is written under it
  StateRecord record_;
  WriteBudget budget_;
  bool rewrite_ = true;             // the record on disk does not allow changes, or is not known
  bool dirty_;                      // a seal has something to do
  std::uint64_t lasting_hole_end_;  // of holes that this session does not know: lowered only by a cut
  SectorSet unfilled_;              // holes made in this session
  std::optional<Error> poison_;
  std::atomic<std::uint64_t> hole_end_;
};

}  // namespace enfold
