#include "fs/volume/file_body.h"
#include "kms/base/log.h"

namespace enfold {

// The old last sector is written after all else, and by a single page: until then the file below is the old
// one with something behind its end, so that a failure at any step is undone by cutting it off.
Result<void> FileBody::grow(const ContentKeys& keys, std::uint64_t new_length, const WriteRequest& request) {
  const std::uint64_t old_length = length();
  const std::uint64_t old_sectors = sectors_of(old_length);
  const std::uint64_t new_sectors = sectors_of(new_length);
  const std::uint64_t first = request.bytes.empty() ? new_sectors : request.first();
  RangeLock::Hold hold(ranges_, std::min(first, old_sectors == 0 ? 0 : old_sectors - 1), new_sectors - 1);

  SectorCoder sectors = coder(keys);
  WriteEdges edges;
  ENFOLD_TRY(load_edges(sectors, request, new_length, edges));
  PlainSector tail;
  bool rewrite_tail = false;
  ENFOLD_TRY(load_old_tail(sectors, request, new_length, tail, rewrite_tail));

  const std::uint64_t hole_end = first > old_sectors ? first : 0;
  const std::uint64_t writes = request.sectors() + (rewrite_tail ? 1 : 0);
  const int fd = write_fd_.load(std::memory_order_acquire);
  ENFOLD_TRY_ASSIGN(const std::uint8_t key_epoch, state_.begin_change(fd, {old_length, writes, hole_end}));

  PageBytes tail_page;
  ByteSpan sealed_tail;
  if (rewrite_tail) {
    const ByteSpan plain = ByteSpan(tail.bytes).first(sector_plain_bytes(new_length, old_sectors - 1));
    sectors.seal(old_sectors - 1, key_epoch, random_array<kGcmNonceBytes>(context_.entropy), plain,
                 tail_page);
    sealed_tail = tail_page;
  }
  ByteSpan pages;
  if (!request.bytes.empty())
    pages = seal_request(sectors, context_.entropy, key_epoch, request, new_length, edges);

  ENFOLD_TRY(write_growth(new_length, first, pages, sealed_tail));
  state_.made_hole(old_sectors, first);
  state_.filled(first, first + request.sectors());
  length_.store(new_length, std::memory_order_release);
  // The bytes are there: without this record a crash makes recovery read more, and loses nothing.
  if (auto recorded = state_.after_growth(fd, new_length); !recorded) log_warning(describe(recorded.error()));
  return {};
}

// Whether the old last sector must be rewritten on its own, and then its plaintext: it was partial, the
// request does not reach down to it, and it is no hole (a hole reads as zeros at any length).
Result<void> FileBody::load_old_tail(SectorCoder& coder, const WriteRequest& request,
                                     std::uint64_t new_length, PlainSector& out, bool& rewrite) {
  const std::uint64_t old_length = length();
  if (old_length % kSectorPlainBytes == 0) return {};
  const std::uint64_t index = sectors_of(old_length) - 1;
  const bool in_request = !request.bytes.empty() && request.first() <= index;
  if (in_request || sector_plain_bytes(new_length, index) == sector_plain_bytes(old_length, index)) return {};
  PageBytes page;
  ENFOLD_TRY(read_pages(index, page));
  const std::uint64_t hole_end = state_.hole_end();
  if (index < hole_end && is_hole(page)) return {};
  rewrite = true;
  if (!coder.open(index, page, sector_plain_bytes(old_length, index), hole_end, out.bytes))
    return damaged_sector(index);
  return {};
}

Result<void> FileBody::write_growth(std::uint64_t new_length, std::uint64_t first_index, ByteSpan pages,
                                    ByteSpan old_tail_page) {
  const std::uint64_t old_sectors = sectors_of(length());
  ENFOLD_TRY(set_lower_size(lower_size_of(new_length)));
  const std::uint64_t below = first_index < old_sectors ? (old_sectors - first_index) * kPageBytes : 0;
  auto done = write_pages(first_index + below / kPageBytes, pages.subspan(below));
  if (done) done = write_pages(first_index, pages.first(below));
  if (done && !old_tail_page.empty()) done = write_pages(old_sectors - 1, old_tail_page);
  if (!done) undo_growth();
  return done;
}

// First to the sector edge, so that no ciphertext stays in the tail.
void FileBody::undo_growth() {
  const std::uint64_t length = this->length();
  auto done = set_lower_size(sector_offset(sectors_of(length)));
  if (done && length % kSectorPlainBytes != 0) done = set_lower_size(lower_size_of(length));
  if (!done) state_.poison(std::move(done).error());
}

}  // namespace enfold
