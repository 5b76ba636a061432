#include "fs/volume/file_state.h"

#include <cerrno>

namespace enfold {
namespace {

// Beyond so many separate holes (a few MiB of memory) they are no longer tracked, and count as lasting.
constexpr std::size_t kMaxTrackedHoles = 65'536;

// The modification time is put back: our own header writes do not show. Who may write a file but does not own
// it may not set its times either, and then the time of the write stays.
Result<void> restore_modification_time(Files& files, int fd, const StatX& before) {
  timespec modified{};
  modified.tv_sec = before.stx_mtime.tv_sec;
  modified.tv_nsec = before.stx_mtime.tv_nsec;
  timespec omitted{};
  omitted.tv_nsec = UTIME_OMIT;
  auto done = files.set_times(fd, {omitted, modified});
  if (!done && done.error().errno_value == EPERM) return {};
  return done;
}

}  // namespace

FileState::FileState(VolumeContext& context, ConstPrefixSpan prefix, const FileId& file,
                     const StateRecord& on_disk, Origin origin)
    : context_(context),
      prefix_{},
      file_(file),
      record_(on_disk),
      budget_(on_disk.key_epoch, origin == Origin::kCreated ? 0 : on_disk.sector_writes,
              on_disk.sector_writes),
      rewrite_(origin == Origin::kOpened),
      dirty_(!on_disk.clean),
      lasting_hole_end_(on_disk.hole_end),
      hole_end_(on_disk.hole_end) {
  std::ranges::copy(prefix, prefix_.begin());
}

Result<std::uint8_t> FileState::begin_change(int fd, const Change& change) {
  std::lock_guard lock(mutex_);
  if (poison_) return std::unexpected(*poison_);
  WriteBudget next = budget_;
  if (auto taken = next.take(change.sector_writes); !taken)
    return add_context(std::move(taken).error(), "file " + file_.hex());
  const std::uint64_t hole_end = std::max(change.hole_end, hole_end_.load(std::memory_order_relaxed));
  const bool allowed = !rewrite_ && next.reserved() == budget_.reserved() &&
                       next.key_epoch() == budget_.key_epoch() && hole_end <= record_.hole_end;
  if (!allowed) {
    StateRecord record = next_record(change.length, false);
    record.hole_end = hole_end;
    record.key_epoch = next.key_epoch();
    record.sector_writes = next.reserved();
    ENFOLD_TRY(write(fd, record));
  }
  budget_ = next;
  hole_end_.store(hole_end, std::memory_order_release);
  return budget_.key_epoch();
}

void FileState::made_hole(std::uint64_t first_sector, std::uint64_t end_sector) {
  if (first_sector >= end_sector) return;
  std::lock_guard lock(mutex_);
  unfilled_.add(first_sector, end_sector);
  if (unfilled_.intervals() <= kMaxTrackedHoles) return;
  lasting_hole_end_ = std::max(lasting_hole_end_, unfilled_.end());
  unfilled_.clear();
}

void FileState::filled(std::uint64_t first_sector, std::uint64_t end_sector) {
  std::lock_guard lock(mutex_);
  unfilled_.remove(first_sector, end_sector);
}

void FileState::cut(std::uint64_t end_sector, std::uint64_t length) {
  std::lock_guard lock(mutex_);
  unfilled_.remove(end_sector, unfilled_.end());
  lasting_hole_end_ = std::min(lasting_hole_end_, end_sector);
  hole_end_.store(std::min(hole_end_.load(std::memory_order_relaxed), end_sector), std::memory_order_release);
  record_.base_length = std::min(record_.base_length, length);
}

bool FileState::dirty() {
  std::lock_guard lock(mutex_);
  return dirty_;
}

Result<void> FileState::seal(int fd, std::uint64_t length) {
  std::lock_guard lock(mutex_);
  if (poison_) return std::unexpected(*poison_);
  if (!dirty_) return {};
  auto before = context_.files.stat_at(fd, "");
  if (!before) return named(std::move(before).error());
  budget_.settle();
  StateRecord record = next_record(length, true);
  record.hole_end = std::max(lasting_hole_end_, unfilled_.end());
  record.key_epoch = budget_.key_epoch();
  record.sector_writes = budget_.used();
  ENFOLD_TRY(write(fd, record));
  dirty_ = false;
  hole_end_.store(record.hole_end, std::memory_order_release);
  auto restored = restore_modification_time(context_.files, fd, *before);
  if (!restored) return named(std::move(restored).error());
  return restored;
}

void FileState::set_parent(const DirectoryId& parent) {
  std::lock_guard lock(mutex_);
  record_.parent = parent;
}

void FileState::poison(Error error) {
  std::lock_guard lock(mutex_);
  if (!poison_) poison_ = std::move(error);
}

StateRecord FileState::next_record(std::uint64_t length, bool clean) const {
  StateRecord record = record_;
  record.clean = clean;
  record.epoch = context_.epochs.current();
  record.sealed_length = length;
  record.base_length = std::min(record.base_length, length);
  return record;
}

// After a failure the record on disk is not known, so that the next change or seal writes it again.
Result<void> FileState::write(int fd, const StateRecord& record) {
  rewrite_ = true;
  dirty_ = true;
  std::array<std::uint8_t, kStateBytes> bytes{};
  encode_state(record, prefix_, context_.keys.state_mac(file_), bytes);
  auto done = write_full(context_.files, fd, bytes, kStateOffset);
  if (!done) return named(std::move(done).error());
  record_ = record;
  rewrite_ = record.clean;
  return {};
}

std::unexpected<Error> FileState::named(Error error) const {
  return add_context(std::move(error), "the state record of file " + file_.hex());
}

}  // namespace enfold
