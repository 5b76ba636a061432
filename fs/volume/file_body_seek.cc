#include <cerrno>

#include "fs/volume/file_body.h"

// A page of the lower file that has no blocks, or blocks that were never written, is a hole where its index
// is below hole end. Holes that a copy of the volume has filled with zeros are data here, which reads the
// same.

namespace enfold {
namespace {

std::uint64_t sector_at(std::uint64_t lower_offset) { return lower_offset / kPageBytes - 1; }

bool is_none_left(const Error& error) { return error.code == Errc::kSystem && error.errno_value == ENXIO; }

}  // namespace

Result<std::uint64_t> FileBody::seek(std::uint64_t offset, int whence) {
  if (whence != SEEK_DATA && whence != SEEK_HOLE) return system_error(EINVAL, "lseek");
  std::shared_lock shared(resize_lock_);
  if (offset >= length()) return system_error(ENXIO, "lseek");
  if (mappers_.load() > 0) return whence == SEEK_DATA ? offset : length();
  auto found = whence == SEEK_DATA ? next_data(offset) : next_hole(offset);
  if (found || is_none_left(found.error())) return found;
  return named(std::move(found).error());
}

Result<std::uint64_t> FileBody::next_data(std::uint64_t offset) {
  const std::uint64_t length = this->length();
  const std::uint64_t from = offset / kSectorPlainBytes;
  const std::uint64_t hole_end = std::min(state_.hole_end(), sectors_of(length));
  if (from >= hole_end) return offset;
  auto lower = context_.files.seek(read_fd_.get(), sector_offset(from), SEEK_DATA);
  if (!lower && !is_none_left(lower.error())) return lower;
  const std::uint64_t index = lower ? std::min(sector_at(*lower), hole_end) : hole_end;
  const std::uint64_t data = std::max(offset, index * kSectorPlainBytes);
  if (data >= length) return system_error(ENXIO, "lseek");
  return data;
}

Result<std::uint64_t> FileBody::next_hole(std::uint64_t offset) {
  const std::uint64_t length = this->length();
  const std::uint64_t hole_end = std::min(state_.hole_end(), sectors_of(length));
  std::uint64_t index = offset / kSectorPlainBytes;
  for (bool is_whole = false; !is_whole && index < hole_end;) {
    auto lower = context_.files.seek(read_fd_.get(), sector_offset(index), SEEK_HOLE);
    if (!lower && is_none_left(lower.error())) return length;
    if (!lower) return lower;
    is_whole = *lower % kPageBytes == 0;  // blocks below may be smaller than a page
    index = sector_at(*lower + kPageBytes - 1);
  }
  if (index >= hole_end) return length;
  return std::max(offset, index * kSectorPlainBytes);
}

}  // namespace enfold
