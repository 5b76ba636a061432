#include "fs/volume/sector_io.h"

#include "kms/crypto/wiped_bytes.h"

namespace enfold {
namespace {

// Grows without keeping or clearing what was there.
class Buffer {
 public:
  MutableByteSpan of_size(std::size_t size) {
    if (size > size_) {
      memory_.reset();
      memory_ = std::make_unique_for_overwrite<std::uint8_t[]>(size);
      size_ = size;
    }
    return {memory_.get(), size};
  }

 private:
  std::unique_ptr<std::uint8_t[]> memory_;
  std::size_t size_ = 0;
};

}  // namespace

RequestBuffers request_buffers(std::uint64_t count) {
  static thread_local Buffer pages;
  static thread_local Buffer nonces;
  return {pages.of_size(count * kPageBytes), nonces.of_size(count * kGcmNonceBytes)};
}

PlainSector::~PlainSector() { wipe(bytes); }

bool SectorCoder::open(std::uint64_t index, ConstSectorPage page, std::uint64_t plain_bytes,
                       std::uint64_t hole_end, SectorPlain out) {
  if (index < hole_end && is_hole(page)) {
    std::ranges::fill(out, std::uint8_t{0});
    return true;
  }
  const auto length = open_sector(context(sector_key_epoch(page)), {volume_, file_, index}, page, out);
  if (length && *length == plain_bytes) return true;
  wipe(out);
  return false;
}

void SectorCoder::seal(std::uint64_t index, std::uint8_t key_epoch, const GcmNonce& nonce, ByteSpan plain,
                       SectorPage page) {
  seal_sector(context(key_epoch), {volume_, file_, index}, key_epoch, nonce, plain, page);
}

Gcm& SectorCoder::context(std::uint8_t key_epoch) {
  if (!lease_ || lease_epoch_ != key_epoch) {
    lease_.reset();
    lease_.emplace(keys_.content(key_epoch).lease());
    lease_epoch_ = key_epoch;
  }
  return **lease_;
}

}  // namespace enfold
