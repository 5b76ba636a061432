#include "fs/volume/file_body.h"

namespace enfold {

Result<void> FileBody::shrink(const ContentKeys& keys, std::uint64_t new_length) {
  if (new_length % kSectorPlainBytes != 0) {
    ENFOLD_TRY(cut_in_sector(keys, new_length));
  } else {
    const Epochs::Hold hold = context_.epochs.hold();
    ENFOLD_TRY(permit_cut(new_length, 0, hold));
    ENFOLD_TRY(set_lower_size(lower_size_of(new_length)));
  }
  state_.cut(sectors_of(new_length));
  length_.store(new_length, std::memory_order_release);
  return {};
}

// A crash may keep the cut and lose the record, or keep an older one: none may claim what the cut takes away.
Result<std::uint8_t> FileBody::permit_cut(std::uint64_t new_length, std::uint64_t sector_writes,
                                          const Epochs::Hold& hold) {
  const int fd = write_fd_.load(std::memory_order_acquire);
  ENFOLD_TRY_ASSIGN(const FileState::CutPermit permit,
                    state_.begin_cut(fd, {length(), sector_writes, 0}, new_length, hold));
  if (permit.must_sync) ENFOLD_TRY(sync(true));
  return permit.key_epoch;
}

// The new last sector gets its new length before anything is cut off, because up to there all can be put
// back. The cut goes to the sector edge first, so that no ciphertext stays in the tail.
Result<void> FileBody::cut_in_sector(const ContentKeys& keys, std::uint64_t new_length) {
  const std::uint64_t index = sectors_of(new_length) - 1;
  PageBytes before;
  ENFOLD_TRY(read_pages(index, before));
  SectorCoder sectors = coder(keys);
  PlainSector plain;
  if (!sectors.open(index, before, sector_plain_bytes(length(), index), state_.hole_end(), plain.bytes))
    return damaged_sector(index);

  const bool hole = is_hole(before);  // reads as zeros at any length
  const Epochs::Hold hold = context_.epochs.hold();
  ENFOLD_TRY_ASSIGN(const std::uint8_t key_epoch, permit_cut(new_length, hole ? 0U : 1U, hold));
  Result<void> done;
  if (!hole) {
    PageBytes after;
    sectors.seal(index, key_epoch, random_array<kGcmNonceBytes>(context_.entropy),
                 ByteSpan(plain.bytes).first(sector_plain_bytes(new_length, index)), after);
    done = write_pages(index, after);
  }
  const bool is_rewritten = done && !hole;
  if (done) done = set_lower_size(sector_offset(index + 1));
  if (!done) {
    if (!put_back(index, before) && is_rewritten) {
      // The file ends with its new last sector; its next open cuts the rest off.
      state_.cut(index + 1);
      length_.store(new_length, std::memory_order_release);
    }
    return done;
  }
  extend_tail(new_length);
  return {};
}

// Only where something was changed: on a full disk that copies on write even an old page cannot be written.
bool FileBody::put_back(std::uint64_t index, ConstSectorPage page) {
  PageBytes now;
  if (read_pages(index, now) && std::ranges::equal(now, page)) return true;
  auto done = write_pages(index, page);
  if (done) return true;
  state_.poison(std::move(done).error());
  return false;
}

// The bytes behind are gone by now and the file has its new length: where its size cannot be set, zeros
// written up to it do the same.
void FileBody::extend_tail(std::uint64_t new_length) {
  if (set_lower_size(lower_size_of(new_length))) return;
  const PageBytes zeros{};
  const ByteSpan tail = ByteSpan(zeros).first(new_length % kSectorPlainBytes);
  if (auto done = write_pages(sectors_of(new_length), tail); !done) state_.poison(std::move(done).error());
}

}  // namespace enfold
