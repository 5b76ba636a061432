#include "fs/volume/file_body.h"
#include "kms/crypto/wiped_bytes.h"

namespace enfold {
namespace {

// Decrypts one sector into the part of `out` that it covers, by way of a scratch where that is not all of it.
bool open_into(SectorCoder& coder, std::uint64_t index, ConstSectorPage page, std::uint64_t length,
               std::uint64_t hole_end, std::uint64_t offset, MutableByteSpan out) {
  const std::uint64_t start = index * kSectorPlainBytes;
  const std::uint64_t from = std::max(offset, start);
  const std::uint64_t to = std::min(offset + out.size(), start + kSectorPlainBytes);
  const std::uint64_t plain_bytes = sector_plain_bytes(length, index);
  const MutableByteSpan target = out.subspan(from - offset, to - from);
  if (target.size() == kSectorPlainBytes)
    return coder.open(index, page, plain_bytes, hole_end, target.first<kSectorPlainBytes>());
  PlainSector scratch;
  if (!coder.open(index, page, plain_bytes, hole_end, scratch.bytes)) return false;
  copy_bytes(ByteSpan(scratch.bytes).subspan(from - start, target.size()), target);
  return true;
}

}  // namespace

Result<std::size_t> FileBody::read(std::uint64_t offset, MutableByteSpan out) {
  if (out.empty() || offset >= length()) return 0;
  ENFOLD_TRY_ASSIGN(const auto held, lock_with_keys<Shared>());
  auto done = read_once(*held.keys, offset, out);
  if (done) return done;
  if (done.error().code == Errc::kDamaged) {
    // A growing file's last sector may be newer than the length that was looked at, and a pread beside a
    // pwrite may see half a page: look again with the writers kept out.
    RangeLock::Hold hold(ranges_, offset / kSectorPlainBytes, (offset + out.size() - 1) / kSectorPlainBytes);
    done = read_once(*held.keys, offset, out);
    if (done) return done;
  }
  wipe(out);
  if (done.error().code == Errc::kDamaged) log_damage(done.error());
  return done;
}

Result<std::size_t> FileBody::read_once(const ContentKeys& keys, std::uint64_t offset, MutableByteSpan out) {
  const std::uint64_t length = this->length();
  if (offset >= length) return 0;
  out = out.first(std::min<std::uint64_t>(out.size(), length - offset));
  const std::uint64_t first = offset / kSectorPlainBytes;
  const std::uint64_t last = (offset + out.size() - 1) / kSectorPlainBytes;
  const MutableByteSpan pages = request_buffers(last - first + 1).pages;
  ENFOLD_TRY(read_pages(first, pages));
  const std::uint64_t hole_end = state_.hole_end();  // after the pages: a hole is announced before it is made
  SectorCoder sectors = coder(keys);
  for (std::uint64_t index = first; index <= last; ++index)
    if (!open_into(sectors, index, page_at(ByteSpan(pages), index - first), length, hole_end, offset, out))
      return damaged_sector(index);
  return out.size();
}

Result<void> FileBody::verify_tail() {
  std::unique_lock exclusive(resize_lock_);
  const std::uint64_t length = this->length();
  Bytes tail(length % kSectorPlainBytes);
  auto size = read_full(context_.files, read_fd_.get(), tail, sector_offset(sectors_of(length)));
  if (!size) return named(std::move(size).error());
  if (*size == tail.size() && all_zero(tail)) return {};
  return named({Errc::kDamaged, 0, "the tail behind the last sector is cut short or not zero"});
}

Result<void> FileBody::read_pages(std::uint64_t first_index, MutableByteSpan pages) {
  auto size = read_full(context_.files, read_fd_.get(), pages, sector_offset(first_index));
  if (!size) return named(std::move(size).error());
  if (*size < pages.size()) return damaged_sector(first_index + *size / kPageBytes);
  return {};
}

}  // namespace enfold
