// What one request does with the sectors of a file: buffers that are reused, and a cipher context leased for
// as long as it runs.
#pragma once

#include <optional>

#include "fs/format/sector.h"
#include "fs/volume/content_keys.h"

namespace enfold {

using PageBytes = std::array<std::uint8_t, kPageBytes>;

inline ConstSectorPage page_at(ByteSpan pages, std::uint64_t position) {
  return ConstSectorPage(pages.data() + position * kPageBytes, kPageBytes);
}
inline SectorPage page_at(MutableByteSpan pages, std::uint64_t position) {
  return SectorPage(pages.data() + position * kPageBytes, kPageBytes);
}

// This thread's buffers for `count` pages and as many nonces: they grow to the largest request and stay. Only
// ciphertext and nonces go in there. Valid until the thread's next request.
struct RequestBuffers {
  MutableByteSpan pages;
  MutableByteSpan nonces;
};
RequestBuffers request_buffers(std::uint64_t count);

// The nonce of the page at that position.
inline GcmNonce nonce_at(ByteSpan nonces, std::uint64_t position) {
  GcmNonce nonce;
  std::ranges::copy(nonces.subspan(position * kGcmNonceBytes, kGcmNonceBytes), nonce.begin());
  return nonce;
}

// The plaintext of one sector on the stack, wiped when it goes.
struct PlainSector {
  PlainSector() = default;
  PlainSector(const PlainSector&) = delete;
  PlainSector& operator=(const PlainSector&) = delete;
  ~PlainSector();

  std::array<std::uint8_t, kSectorPlainBytes> bytes;  // not initialised: made for each request
};

// Not thread-safe: one for each request. `keys` outlive it.
class SectorCoder {
 public:
  SectorCoder(const VolumeId& volume, const FileId& file, const ContentKeys& keys)
      : volume_(volume), file_(file), keys_(keys) {}

  // Decrypts a sector that must have `plain_bytes` of plaintext, or be a hole where it lies below `hole_end`;
  // the rest of `out` is zero. False, and `out` is wiped, where it is neither.
  [[nodiscard]] bool open(std::uint64_t index, ConstSectorPage page, std::uint64_t plain_bytes,
                          std::uint64_t hole_end, SectorPlain out);

  // Under the current data key.
  void seal(std::uint64_t index, std::uint8_t key_epoch, const GcmNonce& nonce, ByteSpan plain,
            SectorPage page);

 private:
  Gcm& context(FileKeys& keys, SectorKey key);

  const VolumeId& volume_;
  const FileId& file_;
  const ContentKeys& keys_;
  std::optional<ContentCipher::Lease> lease_;
  SectorKey leased_;
};

}  // namespace enfold
