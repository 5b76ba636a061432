#include "fs/volume/file_state.h"

#include <string>

#include "fs/volume/kept_metadata.h"

namespace enfold {
namespace {

// Beyond so many separate holes (a few MiB of memory) they are no longer tracked, and count as lasting.
constexpr std::size_t kMaxTrackedHoles = 65'536;

constexpr std::uint64_t kGrowthForARecord = std::uint64_t{64} << 20U;

}  // namespace

FileState::FileState(VolumeContext& context, ConstPrefixSpan prefix, const FileId& file,
                     const StateRecord& on_disk, Origin origin)
    : context_(context),
      file_(file),
      prefix_{},
      record_(on_disk),
      claims_(origin == Origin::kCreated ? RecordClaims::of_new_file(on_disk) : RecordClaims(on_disk)),
      budget_(on_disk.key_epoch, origin == Origin::kCreated ? 0 : on_disk.sector_writes,
              on_disk.sector_writes),
      rewrite_(origin == Origin::kOpened),
      dirty_(!on_disk.clean),
      lasting_hole_end_(on_disk.hole_end),
      hole_end_(on_disk.hole_end),
      recorded_length_(on_disk.sealed_length) {
  std::ranges::copy(prefix, prefix_.begin());
}

Result<std::uint8_t> FileState::begin_change(int fd, const Change& change) {
  {
    const std::lock_guard lock(mutex_);
    ENFOLD_TRY_ASSIGN(const WriteBudget budget, take_writes(change.sector_writes));
    const Wanted wanted{change.length, hole_end_for(change), budget};
    if (allows(wanted)) return admit(wanted);
  }
  const Epochs::Hold hold = context_.epochs.hold();
  const std::lock_guard lock(mutex_);
  ENFOLD_TRY_ASSIGN(const WriteBudget budget, take_writes(change.sector_writes));
  const Wanted wanted{change.length, hole_end_for(change), budget};
  if (!allows(wanted)) ENFOLD_TRY(write(fd, next_record(wanted, false)));
  return admit(wanted);
}

Result<FileState::CutPermit> FileState::begin_cut(int fd, const Change& change, std::uint64_t new_length,
                                                  const Epochs::Hold& /*held*/) {
  const std::lock_guard lock(mutex_);
  ENFOLD_TRY_ASSIGN(const WriteBudget budget, take_writes(change.sector_writes));
  const Wanted wanted{new_length, hole_end_for(change), budget};
  if (is_known_ && context_.epochs.is_durable(record_.epoch)) claims_.only_last();
  const bool claims_more = record_.sealed_length > new_length || record_.base_length > new_length;
  if (claims_more || !allows(wanted)) ENFOLD_TRY(write(fd, next_record(wanted, false)));
  const bool must_sync = !claims_.allow(new_length, context_.epochs.current());
  return CutPermit{admit(wanted), must_sync};
}

Result<FileState::CutPermit> FileState::begin_punch(int fd, const Change& change) {
  const Epochs::Hold hold = context_.epochs.hold();
  const std::lock_guard lock(mutex_);
  ENFOLD_TRY_ASSIGN(const WriteBudget budget, take_writes(change.sector_writes));
  const Wanted wanted{change.length, hole_end_for(change), budget};
  if (is_known_ && context_.epochs.is_durable(record_.epoch)) claims_.only_last();
  if (!allows(wanted)) ENFOLD_TRY(write(fd, next_record(wanted, false)));
  const bool must_sync = !claims_.allow_holes(change.hole_end);
  return CutPermit{admit(wanted), must_sync};
}

Result<void> FileState::after_growth(int fd, std::uint64_t length) {
  if (length < recorded_length_.load(std::memory_order_relaxed) + kGrowthForARecord) return {};
  const Epochs::Hold hold = context_.epochs.hold();
  const std::lock_guard lock(mutex_);
  if (poison_ || length < record_.sealed_length + kGrowthForARecord) return {};
  return write(fd, next_record({length, hole_end(), budget_}, false));
}

Result<WriteBudget> FileState::take_writes(std::uint64_t sectors) const {
  if (poison_) return std::unexpected(*poison_);
  WriteBudget next = budget_;
  if (auto taken = next.take(sectors); !taken)
    return add_context(std::move(taken).error(), "file " + file_.hex());
  return next;
}

std::uint64_t FileState::hole_end_for(const Change& change) const {
  return std::max(change.hole_end, hole_end_.load(std::memory_order_relaxed));
}

bool FileState::allows(const Wanted& wanted) const {
  return !rewrite_ && wanted.budget.reserved() == record_.sector_writes &&
         wanted.budget.key_epoch() == record_.key_epoch && wanted.hole_end <= record_.hole_end;
}

std::uint8_t FileState::admit(const Wanted& wanted) {
  budget_ = wanted.budget;
  hole_end_.store(wanted.hole_end, std::memory_order_release);
  return budget_.key_epoch();
}

FileState::SyncMark FileState::sync_begins() {
  const std::lock_guard lock(mutex_);
  return {records_written_, fills_};
}

void FileState::synced(const SyncMark& mark) {
  const std::lock_guard lock(mutex_);
  if (is_known_ && mark.records == records_written_) claims_.only_last();
  synced_fills_ = std::max(synced_fills_, mark.fills);
  holes_synced_ |= hole_epoch_.has_value();
}

void FileState::made_hole(std::uint64_t first_sector, std::uint64_t end_sector) {
  if (first_sector >= end_sector) return;
  const std::lock_guard lock(mutex_);
  track_hole(first_sector, end_sector);
}

void FileState::punched(std::uint64_t first_sector, std::uint64_t end_sector) {
  if (first_sector >= end_sector) return;
  const std::lock_guard lock(mutex_);
  track_hole(first_sector, end_sector);
  holes_synced_ = true;
}

void FileState::track_hole(std::uint64_t first_sector, std::uint64_t end_sector) {
  if (!hole_epoch_) hole_epoch_ = record_.epoch;
  unfilled_.add(first_sector, end_sector);
  if (unfilled_.intervals() <= kMaxTrackedHoles) return;
  lasting_hole_end_ = std::max(lasting_hole_end_, unfilled_.end());
  unfilled_.clear();
}

void FileState::filled(std::uint64_t first_sector, std::uint64_t end_sector) {
  const std::lock_guard lock(mutex_);
  unfilled_.remove(first_sector, end_sector);
  if (!hole_epoch_) return;
  ++fills_;
  fill_epoch_ = context_.epochs.current();
}

void FileState::cut(std::uint64_t end_sector) {
  const std::lock_guard lock(mutex_);
  unfilled_.remove(end_sector, unfilled_.end());
  lasting_hole_end_ = std::min(lasting_hole_end_, end_sector);
  hole_end_.store(std::min(hole_end_.load(std::memory_order_relaxed), end_sector), std::memory_order_release);
}

bool FileState::dirty() {
  const std::lock_guard lock(mutex_);
  return dirty_;
}

Result<void> FileState::seal(int fd, std::uint64_t length) {
  if (!dirty()) return {};
  auto before = context_.files.stat_at(fd, "");
  if (!before) return named(std::move(before).error());
  const Epochs::Hold hold = context_.epochs.hold();
  const std::lock_guard lock(mutex_);
  if (poison_) return std::unexpected(*poison_);
  if (!dirty_) return {};
  return seal_locked(fd, length, *before);
}

Result<void> FileState::settle(int fd, std::uint64_t length, const StatX& times) {
  const Epochs::Hold hold = context_.epochs.hold();
  const std::lock_guard lock(mutex_);
  return seal_locked(fd, length, times);
}

Result<void> FileState::seal_locked(int fd, std::uint64_t length, const StatX& times) {
  WriteBudget settled = budget_;
  settled.settle();
  StateRecord record = next_record({length, hole_end_.load(std::memory_order_relaxed), settled}, true);
  // Asked after the base was set: an epoch may become durable between the two, and where that raised the base
  // over a hole, the hole is not forgotten.
  const bool forgets = may_forget_filled_holes();
  if (forgets) record.hole_end = std::max(lasting_hole_end_, unfilled_.end());
  const std::uint64_t hole_end = record.hole_end;
  auto kept = KeptMetadata::of(context_.files, fd, times);
  if (!kept) return named(std::move(kept).error());
  ENFOLD_TRY(write(fd, record));
  budget_ = settled;
  dirty_ = false;
  hole_end_.store(hole_end, std::memory_order_release);
  if (forgets && unfilled_.empty()) {
    hole_epoch_.reset();
    holes_synced_ = false;
  }
  auto restored = kept->put_back(context_.files, fd);
  if (!restored) return named(std::move(restored).error());
  return restored;
}

// Where the length was promised with a hole in it, and then what filled the hole is lost, the hole must still
// be one: it is forgotten once what filled it is durable.
bool FileState::may_forget_filled_holes() const {
  const bool promised = hole_epoch_ && (holes_synced_ || context_.epochs.is_durable(*hole_epoch_));
  return !promised || synced_fills_ == fills_ || context_.epochs.is_durable(fill_epoch_);
}

void FileState::set_parent(const DirectoryId& parent) {
  const std::lock_guard lock(mutex_);
  record_.parent = parent;
}

void FileState::poison(Error error) {
  const std::lock_guard lock(mutex_);
  if (!poison_) poison_ = std::move(error);
}

// A record whose epoch is durable is true, and so its length becomes the base of the next one.
StateRecord FileState::next_record(const Wanted& wanted, bool clean) const {
  StateRecord record = record_;
  const bool is_true = context_.epochs.is_durable(record_.epoch);
  record.clean = clean;
  record.epoch = context_.epochs.current();
  record.sealed_length = wanted.length;
  record.base_length = std::min(is_true ? record_.sealed_length : record_.base_length, wanted.length);
  record.hole_end = wanted.hole_end;
  record.key_epoch = wanted.budget.key_epoch();
  record.sector_writes = clean ? wanted.budget.used() : wanted.budget.reserved();
  return record;
}

// After a failure the record on disk is not known, so that the next change or seal writes it again.
Result<void> FileState::write(int fd, const StateRecord& record) {
  will_write(record);
  std::array<std::uint8_t, kStateBytes> bytes{};
  encode_state(record, prefix_, context_.keys.state_mac(file_), bytes);
  auto done = write_full(context_.files, fd, bytes, kStateOffset);
  if (!done) return named(std::move(done).error());
  has_written(record);
  return {};
}

FileState::DataKeys FileState::data_keys() {
  const std::lock_guard lock(mutex_);
  return {prefix_, record_.parity, record_.former, budget_};
}

Result<void> FileState::write_header(int fd, HeaderPage& page, std::uint64_t length, const DataKeys& keys) {
  const Epochs::Hold hold = context_.epochs.hold();
  const std::lock_guard lock(mutex_);
  if (poison_) return std::unexpected(*poison_);
  StateRecord record = next_record({length, hole_end_.load(std::memory_order_relaxed), keys.budget}, false);
  record.parity = keys.parity;
  record.former = keys.former;
  will_write(record);
  encode_state(record, keys.prefix, context_.keys.state_mac(file_), state_of(page));
  auto done = write_full(context_.files, fd, page, 0);
  if (!done) return add_context(std::move(done).error(), "the header of file " + file_.hex());
  prefix_ = keys.prefix;
  budget_ = keys.budget;
  has_written(record);
  return {};
}

void FileState::will_write(const StateRecord& record) {
  is_known_ = false;
  rewrite_ = true;
  dirty_ = true;
  ++records_written_;
  claims_.written(record);
}

void FileState::has_written(const StateRecord& record) {
  record_ = record;
  is_known_ = true;
  rewrite_ = record.clean;
  recorded_length_.store(record.sealed_length, std::memory_order_relaxed);
  context_.epochs.changed();
}

std::unexpected<Error> FileState::named(Error error) const {
  return add_context(std::move(error), "the state record of file " + file_.hex());
}

}  // namespace enfold
