#include "fs/volume/write_request.h"

namespace enfold {
bool WriteRequest::replaces(std::uint64_t index, std::uint64_t length) const {
  const std::uint64_t start = index * kSectorPlainBytes;
  return offset <= start && end() >= start + sector_plain_bytes(length, index);
}

void WriteRequest::lay_over(std::uint64_t index, SectorPlain plain) const {
  const std::uint64_t start = index * kSectorPlainBytes;
  const std::uint64_t from = std::max(offset, start);
  const std::uint64_t to = std::min(end(), start + kSectorPlainBytes);
  copy_bytes(bytes.subspan(from - offset, to - from), plain.subspan(from - start));
}

ByteSpan seal_request(SectorCoder& coder, Entropy& entropy, std::uint8_t key_epoch,
                      const WriteRequest& request, std::uint64_t length, const WriteEdges& edges) {
  const RequestBuffers buffers = request_buffers(request.sectors());
  entropy.fill(buffers.nonces);
  for (std::uint64_t index = request.first(); index <= request.last(); ++index) {
    const std::uint64_t position = index - request.first();
    const std::uint64_t size = sector_plain_bytes(length, index);
    const ByteSpan edge = position == 0 ? edges.first.bytes : edges.last.bytes;
    const ByteSpan plain = request.replaces(index, length)
                               ? request.bytes.subspan(index * kSectorPlainBytes - request.offset, size)
                               : edge.first(size);
    coder.seal(index, key_epoch, nonce_at(buffers.nonces, position), plain, page_at(buffers.pages, position));
  }
  return buffers.pages;
}

}  // namespace enfold
