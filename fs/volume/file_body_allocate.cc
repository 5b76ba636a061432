#include <cerrno>

#include "fs/volume/file_body.h"

namespace enfold {
namespace {

// Hole end goes up by whole MiB of lower file: raising it may cost a sync, and who punches from the front to
// the back would pay it at each step.
constexpr std::uint64_t kHoleEndStep_sectors = 256;

std::uint64_t hole_end_for_punch(std::uint64_t end, std::uint64_t sectors) {
  const std::uint64_t steps = (end + kHoleEndStep_sectors - 1) / kHoleEndStep_sectors;
  return std::min(steps * kHoleEndStep_sectors, sectors);
}

bool is_supported(int mode) {
  constexpr int kZeroRange = FALLOC_FL_ZERO_RANGE;
  constexpr int kKeepSize = FALLOC_FL_KEEP_SIZE;
  return mode == 0 || mode == kKeepSize || mode == (FALLOC_FL_PUNCH_HOLE | kKeepSize) || mode == kZeroRange ||
         mode == (kZeroRange | kKeepSize);
}

// fallocate(2) moves the modification time also where zeros were zeros already, and nothing is written below.
// Who may write the lower file but does not own it may not set its times either: then it moves where
// something is written.
Result<void> move_modification_time(Files& files, int fd) {
  auto done = files.set_times(fd, {timespec{0, UTIME_OMIT}, timespec{0, UTIME_NOW}});
  if (!done && done.error().errno_value == EPERM) return {};
  return done;
}

}  // namespace

// Blocks are reserved before length or content change, so that a full disk changes nothing: the kernel, which
// hears of an error, goes on with the pages that it has.
Result<void> FileBody::allocate(int mode, std::uint64_t offset, std::uint64_t size) {
  if (!is_supported(mode)) return system_error(EOPNOTSUPP, "fallocate of this mode");
  ENFOLD_TRY(check_may_write());
  if (size == 0) return system_error(EINVAL, "fallocate");
  if (offset > kMaxPlainLength || size > kMaxPlainLength - offset)
    return make_error(Errc::kLimit, "file " + file_.hex() + ": longer than 2^62 bytes");
  ENFOLD_TRY(keys_.current());
  ENFOLD_TRY(settle());
  changed();
  const std::uint64_t end = offset + size;
  const int action = mode & ~FALLOC_FL_KEEP_SIZE;
  if (action != FALLOC_FL_PUNCH_HOLE) ENFOLD_TRY(reserve(offset, end));
  if (action != 0) ENFOLD_TRY(zero(action, offset, end));
  if (action == FALLOC_FL_PUNCH_HOLE) return {};
  if (action != 0) ENFOLD_TRY(reserve(offset, end));  // again, where it was zeroed by punching
  return (mode & FALLOC_FL_KEEP_SIZE) != 0 ? Result<void>() : grow_by_hole(end);
}

// Whole sectors become holes; the parts of sectors at both ends are rewritten.
Result<void> FileBody::zero(int mode, std::uint64_t offset, std::uint64_t end) {
  ENFOLD_TRY_ASSIGN(const auto held, lock_with_keys<Shared>());
  ENFOLD_TRY(move_modification_time(context_.files, write_fd_.load(std::memory_order_acquire)));
  end = std::min(end, length());
  if (offset >= end) return {};
  RangeLock::Hold hold(ranges_, offset / kSectorPlainBytes, (end - 1) / kSectorPlainBytes);
  // While the range is held its sectors keep their length, which may have grown before.
  const std::uint64_t first_whole = sectors_of(offset);
  const std::uint64_t end_whole = end == length() ? sectors_of(end) : end / kSectorPlainBytes;
  if (first_whole < end_whole) ENFOLD_TRY(punch(mode, first_whole, end_whole));
  SectorCoder sectors = coder(*held.keys);
  const std::uint64_t head_end = std::min(end, first_whole * kSectorPlainBytes);
  if (offset < head_end) ENFOLD_TRY(zero_in_sector(sectors, offset, head_end));
  const std::uint64_t tail = std::max(offset, end_whole * kSectorPlainBytes);
  if (tail < end && first_whole <= end_whole) ENFOLD_TRY(zero_in_sector(sectors, tail, end));
  return {};
}

Result<void> FileBody::punch(int mode, std::uint64_t first, std::uint64_t end) {
  const int fd = write_fd_.load(std::memory_order_acquire);
  const std::uint64_t hole_end =
      end <= state_.hole_end() ? end : hole_end_for_punch(end, sectors_of(length()));
  ENFOLD_TRY_ASSIGN(const FileState::CutPermit permit, state_.begin_punch(fd, {length(), 0, hole_end}));
  if (permit.must_sync) ENFOLD_TRY(sync(true));
  const std::uint64_t offset = sector_offset(first);
  const std::uint64_t size = (end - first) * kPageBytes;
  Files& files = context_.files;
  auto done = files.allocate(fd, mode | FALLOC_FL_KEEP_SIZE, offset, size);
  // tmpfs, for one, can punch and cannot zero.
  if (!done && mode == FALLOC_FL_ZERO_RANGE && done.error().errno_value == EOPNOTSUPP)
    done = files.allocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size);
  // After any other failure a part of it may be done.
  if (done || done.error().errno_value != EOPNOTSUPP) state_.punched(first, end);
  if (!done) return named(std::move(done).error());
  return done;
}

Result<void> FileBody::zero_in_sector(SectorCoder& coder, std::uint64_t offset, std::uint64_t end) {
  const std::uint64_t index = offset / kSectorPlainBytes;
  const std::uint64_t plain_bytes = sector_plain_bytes(length(), index);
  PageBytes page;
  ENFOLD_TRY(read_pages(index, page));
  if (is_hole(page) && index < state_.hole_end()) return {};
  PlainSector plain;
  if (!coder.open(index, page, plain_bytes, 0, plain.bytes)) {
    auto damage = damaged_sector(index);
    log_damage(damage.error());
    return damage;
  }
  const std::uint64_t start = index * kSectorPlainBytes;
  std::ranges::fill(MutableByteSpan(plain.bytes).subspan(offset - start, end - offset), std::uint8_t{0});
  const int fd = write_fd_.load(std::memory_order_acquire);
  ENFOLD_TRY_ASSIGN(const std::uint8_t key_epoch, state_.begin_change(fd, {length(), 1, 0}));
  coder.seal(index, key_epoch, random_array<kGcmNonceBytes>(context_.entropy),
             ByteSpan(plain.bytes).first(plain_bytes), page);
  return write_pages(index, page);
}

// The pages of all sectors of the range, also of those behind the end.
Result<void> FileBody::reserve(std::uint64_t offset, std::uint64_t end) {
  const std::uint64_t first = sector_offset(offset / kSectorPlainBytes);
  const std::uint64_t size = sector_offset(sectors_of(end)) - first;
  const int fd = write_fd_.load(std::memory_order_acquire);
  auto done = context_.files.allocate(fd, FALLOC_FL_KEEP_SIZE, first, size);
  if (!done) return named(std::move(done).error());
  return done;
}

Result<void> FileBody::grow_by_hole(std::uint64_t length) {
  ENFOLD_TRY_ASSIGN(const auto held, lock_with_keys<Exclusive>());
  return length > this->length() ? grow(*held.keys, length, {}) : Result<void>();
}

}  // namespace enfold
