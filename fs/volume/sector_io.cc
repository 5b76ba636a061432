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
  const SectorKey key = sector_key(page);
  if (FileKeys* keys = keys_.of(key)) {
    const auto length = open_sector(context(*keys, key), {volume_, file_, index}, page, out);
    if (length && *length == plain_bytes) return true;
  }
  wipe(out);
  return false;
}

void SectorCoder::seal(std::uint64_t index, std::uint8_t key_epoch, const GcmNonce& nonce, ByteSpan plain,
                       SectorPage page) {
  const SectorKey key{keys_.parity, key_epoch};
  seal_sector(context(*keys_.current, key), {volume_, file_, index}, key, nonce, plain, page);
}

Gcm& SectorCoder::context(FileKeys& keys, SectorKey key) {
  if (!lease_ || leased_ != key) {
    lease_.reset();
    lease_.emplace(keys.content(key.key_epoch).lease());
    leased_ = key;
  }
  return **lease_;
}

}  // namespace enfold
