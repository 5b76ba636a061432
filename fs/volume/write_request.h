// Which sectors a write touches, and what of each it replaces.
#pragma once

#include "fs/volume/sector_io.h"
#include "kms/base/entropy.h"

namespace enfold {

struct WriteRequest {
  std::uint64_t offset = 0;
  ByteSpan bytes;  // empty: the request changes a length only, and has no sectors

  [[nodiscard]] std::uint64_t end() const { return offset + bytes.size(); }
  [[nodiscard]] std::uint64_t first() const { return offset / kSectorPlainBytes; }
  [[nodiscard]] std::uint64_t last() const { return (end() - 1) / kSectorPlainBytes; }
  [[nodiscard]] std::uint64_t sectors() const { return bytes.empty() ? 0 : last() - first() + 1; }

  // Whether nothing is left of what the sector of a file of that length held.
  [[nodiscard]] bool replaces(std::uint64_t index, std::uint64_t length) const;
  // Lays the request's part in a sector over its plaintext.
  void lay_over(std::uint64_t index, SectorPlain plain) const;
};

// The first and the last sector of a request, with what the request puts there, where it does not replace
// them wholly. The last one is used only where it is not the first.
struct WriteEdges {
  PlainSector first;
  PlainSector last;
};

// Seals all sectors of the request, for a file of `length`, into this thread's request buffers.
ByteSpan seal_request(SectorCoder& coder, Entropy& entropy, std::uint8_t key_epoch,
                      const WriteRequest& request, std::uint64_t length, const WriteEdges& edges);

}  // namespace enfold
