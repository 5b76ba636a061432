#include "fs/volume/file_body.h"

namespace enfold {

Result<void> FileBody::write(std::uint64_t offset, ByteSpan in) {
  ENFOLD_TRY(check_may_write());
  if (in.empty()) return {};
  if (offset > kMaxPlainLength || in.size() > kMaxPlainLength - offset)
    return make_error(Errc::kLimit, "file " + file_.hex() + ": longer than 2^62 bytes");
  ENFOLD_TRY(settle());
  changed();
  const WriteRequest request{offset, in};
  ENFOLD_TRY_ASSIGN(const auto held, lock_with_keys<Shared>());
  const ContentKeys& keys = *held.keys;
  if (request.end() <= length()) return overwrite(keys, request);
  std::unique_lock growing(growth_mutex_);
  if (request.end() > length()) return grow(keys, request.end(), request);
  growing.unlock();
  return overwrite(keys, request);
}

Result<void> FileBody::overwrite(const ContentKeys& keys, const WriteRequest& request) {
  RangeLock::Hold hold(ranges_, request.first(), request.last());
  // A growth may have ended while this waited. While the range is held, the plaintext bytes of its sectors
  // stay as they are: a growth that changes the last sector needs it too.
  const std::uint64_t length = this->length();
  SectorCoder sectors = coder(keys);
  WriteEdges edges;
  ENFOLD_TRY(load_edges(sectors, request, length, edges));
  const int fd = write_fd_.load(std::memory_order_acquire);
  ENFOLD_TRY_ASSIGN(const std::uint8_t key_epoch, state_.begin_change(fd, {length, request.sectors(), 0}));
  const ByteSpan pages = seal_request(sectors, context_.entropy, key_epoch, request, length, edges);
  ENFOLD_TRY(write_pages(request.first(), pages));
  state_.filled(request.first(), request.last() + 1);
  return {};
}

Result<void> FileBody::load_edges(SectorCoder& coder, const WriteRequest& request, std::uint64_t new_length,
                                  WriteEdges& edges) {
  if (request.bytes.empty()) return {};
  if (!request.replaces(request.first(), new_length))
    ENFOLD_TRY(load_edge(coder, request, request.first(), edges.first));
  if (request.last() != request.first() && !request.replaces(request.last(), new_length))
    ENFOLD_TRY(load_edge(coder, request, request.last(), edges.last));
  return {};
}

// What the file has there now, with the request's bytes over it. Past the end there are zeros.
Result<void> FileBody::load_edge(SectorCoder& coder, const WriteRequest& request, std::uint64_t index,
                                 PlainSector& out) {
  const std::uint64_t plain_bytes = sector_plain_bytes(length(), index);
  if (plain_bytes == 0) {
    out.bytes.fill(0);
  } else {
    PageBytes page;
    ENFOLD_TRY(read_pages(index, page));
    if (!coder.open(index, page, plain_bytes, state_.hole_end(), out.bytes)) {
      auto damage = damaged_sector(index);
      log_damage(damage.error());
      return damage;
    }
  }
  request.lay_over(index, out.bytes);
  return {};
}

Result<void> FileBody::write_pages(std::uint64_t first_index, ByteSpan pages) {
  if (pages.empty()) return {};
  const int fd = write_fd_.load(std::memory_order_acquire);
  auto done = write_full(context_.files, fd, pages, sector_offset(first_index));
  if (!done) return named(std::move(done).error());
  return done;
}

Result<void> FileBody::set_lower_size(std::uint64_t size) {
  auto done = context_.files.truncate(write_fd_.load(std::memory_order_acquire), size);
  if (!done) return named(std::move(done).error());
  return done;
}

}  // namespace enfold
