// The state record of one open file, in memory and on disk: dirty mark, lengths known durable, key epoch and
// reserved writes, and which zero sectors are holes. The record on disk is always written before the change
// that it allows.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "fs/volume/record_claims.h"
#include "fs/volume/sector_set.h"
#include "fs/volume/volume_context.h"
#include "fs/volume/write_budget.h"

namespace enfold {

// Thread-safe; its mutex is the last in the lock order, after a hold of the epoch. Lengths are in plain
// bytes, ends in sectors.
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

  // The same before a cut to `new_length`: no record on disk may claim more. Where `must_sync` is true the
  // file has to be synced before the cut. The hold lasts until the cut is done.
  struct CutPermit {
    std::uint8_t key_epoch = 0;
    bool must_sync = false;
  };
  Result<CutPermit> begin_cut(int fd, const Change& change, std::uint64_t new_length, const Epochs::Hold&);

  // The same before sectors that have content become holes. Where `must_sync` is true the file has to be
  // synced before that: a crash may keep the holes and an older record.
  Result<CutPermit> begin_punch(int fd, const Change& change);

  // A record of the present length once the file has grown by 64 MiB since the last one: so much, and what
  // the last two epochs wrote, is read after a crash.
  Result<void> after_growth(int fd, std::uint64_t length);

  // What a sync makes durable that begins now. Take one, sync the file, then say so.
  struct SyncMark {
    std::uint64_t records = 0;  // written so far
    std::uint64_t fills = 0;
  };
  [[nodiscard]] SyncMark sync_begins();
  void synced(const SyncMark& mark);

  // A zero sector below this index is a hole.
  [[nodiscard]] std::uint64_t hole_end() const { return hole_end_.load(std::memory_order_acquire); }
  void made_hole(std::uint64_t first_sector, std::uint64_t end_sector);
  void punched(std::uint64_t first_sector, std::uint64_t end_sector);  // sectors that had content
  void filled(std::uint64_t first_sector, std::uint64_t end_sector);
  void cut(std::uint64_t end_sector);

  [[nodiscard]] bool dirty();
  // Writes the clean record; nothing to do where the file is not dirty. No change is under way. The
  // modification time is put back to what it was now, or in `times`.
  Result<void> seal(int fd, std::uint64_t length);
  // What a header page says of the data keys, slots apart.
  struct DataKeys {
    std::array<std::uint8_t, kPrefixBytes> prefix;
    std::uint8_t parity;
    std::optional<FormerKey> former;
    WriteBudget budget;
  };
  [[nodiscard]] DataKeys data_keys();
  // Writes a whole header page, whose prefix and slots are there and are of `keys`, with the next record in
  // it. No change is under way. After an error the page on disk is not known, and the keys are the old ones.
  Result<void> write_header(int fd, HeaderPage& page, std::uint64_t length, const DataKeys& keys);

  // A file whose length was found after a crash gets its record: seal() for a file that nobody changed.
  Result<void> settle(int fd, std::uint64_t length, const StatX& times);

  void set_parent(const DirectoryId& parent);

  // The bytes below could not be put back after a failed change: every later change and seal fails with this.
  void poison(Error error);

 private:
  struct Wanted {
    std::uint64_t length;
    std::uint64_t hole_end;
    const WriteBudget& budget;
  };
  [[nodiscard]] StateRecord next_record(const Wanted& wanted, bool clean) const;
  [[nodiscard]] bool allows(const Wanted& wanted) const;
  Result<WriteBudget> take_writes(std::uint64_t sectors) const;
  [[nodiscard]] std::uint64_t hole_end_for(const Change& change) const;
  [[nodiscard]] bool may_forget_filled_holes() const;
  std::uint8_t admit(const Wanted& wanted);
  void track_hole(std::uint64_t first_sector, std::uint64_t end_sector);
  Result<void> seal_locked(int fd, std::uint64_t length, const StatX& times);
  Result<void> write(int fd, const StateRecord& record);
  void will_write(const StateRecord& record);
  void has_written(const StateRecord& record);
  [[nodiscard]] std::unexpected<Error> named(Error error) const;

  VolumeContext& context_;
  FileId file_;

  std::mutex mutex_;  // guards all below but the atomics, which are written under it
  std::array<std::uint8_t, kPrefixBytes> prefix_;
  StateRecord record_;
  RecordClaims claims_;
  std::uint64_t records_written_ = 0;
  WriteBudget budget_;
  bool is_known_ = true;            // record_ is what was written last
  bool rewrite_ = true;             // the record on disk does not allow changes, or is not known
  bool dirty_;                      // a seal has something to do
  std::uint64_t lasting_hole_end_;  // of holes that this session does not know: lowered only by a cut
  SectorSet unfilled_;              // holes made in this session
  // Whether the length of the file may have been promised with these holes in it (of punched ones it may),
  // and whether what filled them is as durable.
  std::optional<CrashEpoch> hole_epoch_;  // not later than the first of them
  bool holes_synced_ = false;
  CrashEpoch fill_epoch_;  // of the last one that was filled
  std::uint64_t fills_ = 0;
  std::uint64_t synced_fills_ = 0;
  std::optional<Error> poison_;
  std::atomic<std::uint64_t> hole_end_;
  std::atomic<std::uint64_t> recorded_length_;
};

}  // namespace enfold
