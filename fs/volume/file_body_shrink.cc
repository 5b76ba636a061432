#include "fs/volume/file_body.h"

namespace enfold {

Result<void> FileBody::shrink(FileKeys& keys, std::uint64_t new_length) {
  const int fd = write_fd_.load(std::memory_order_acquire);
  if (new_length % kSectorPlainBytes != 0) {
    ENFOLD_TRY(cut_in_sector(keys, new_length));
  } else {
    ENFOLD_TRY(state_.begin_change(fd, {length(), 0, 0}));
    if (auto cut = context_.files.truncate(fd, lower_size_of(new_length)); !cut)
      return named(std::move(cut).error());
  }
  state_.cut(sectors_of(new_length), new_length);
  length_.store(new_length, std::memory_order_release);
  return {};
}

// The new last sector gets its new length, and the page behind it, of which the tail stays, is zeroed first;
// then a single ftruncate does the rest. All before that can be put back, so that a failure changes nothing.
Result<void> FileBody::cut_in_sector(FileKeys& keys, std::uint64_t new_length) {
  const std::uint64_t index = sectors_of(new_length) - 1;
  const bool has_next = sectors_of(length()) > index + 1;
  std::array<std::uint8_t, 2 * kPageBytes> room;
  const MutableByteSpan before = MutableByteSpan(room).first(has_next ? 2 * kPageBytes : kPageBytes);
  ENFOLD_TRY(read_pages(index, before));

  SectorCoder sectors = coder(keys);
  PlainSector plain;
  const ConstSectorPage old_page = page_at(ByteSpan(before), 0);
  if (!sectors.open(index, old_page, sector_plain_bytes(length(), index), state_.hole_end(), plain.bytes))
    return damaged_sector(index);

  const bool hole = is_hole(old_page);
  const int fd = write_fd_.load(std::memory_order_acquire);
  ENFOLD_TRY_ASSIGN(const std::uint8_t key_epoch, state_.begin_change(fd, {length(), hole ? 0U : 1U, 0}));
  std::array<std::uint8_t, 2 * kPageBytes> after{};
  if (!hole)
    sectors.seal(index, key_epoch, random_array<kGcmNonceBytes>(context_.entropy),
                 ByteSpan(plain.bytes).first(sector_plain_bytes(new_length, index)),
                 page_at(MutableByteSpan(after), 0));

  auto done = write_pages(index, ByteSpan(after).first(before.size()));
  if (done) {
    done = context_.files.truncate(fd, lower_size_of(new_length));
    if (!done) done = named(std::move(done).error());
  }
  if (!done)
    if (auto undone = write_pages(index, before); !undone) state_.poison(std::move(undone).error());
  return done;
}

}  // namespace enfold
