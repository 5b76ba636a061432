// A page of any bytes, and any length, flags and plaintext under a valid tag.
#include "tests/format/fuzz.h"

using namespace enfold;
using namespace enfold::format_test;

namespace {

std::array<std::uint8_t, kPageBytes> page_from(ByteSpan input) {
  if (take_choice(input) % 2 == 1 && input.size() >= 4) {
    ByteReader reader(input);
    const std::uint16_t length = reader.u16();
    const std::uint16_t flags = reader.u16();
    return seal_any_sector(length, flags, reader.bytes(reader.remaining()));
  }
  std::array<std::uint8_t, kPageBytes> page{};
  fill_from(page, input);
  return page;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto page = page_from({data, size});
  const VolumeId volume = sample_volume();
  const FileId file = sample_file();
  const SectorPlace place{volume, file, kAnySectorIndex};
  Gcm key(sample_content_key(sector_key(page).key_epoch).expose());
  std::array<std::uint8_t, kSectorPlainBytes> plain{};
  plain.fill(0xee);
  const auto length = open_sector(key, place, page, plain);
  if (!length) {
    require(all_zero(plain));
    return 0;
  }
  GcmNonce nonce{};
  fill_from(nonce, page);
  std::array<std::uint8_t, kPageBytes> again{};
  seal_sector(key, place, sector_key(page), nonce, ByteSpan(plain).first(*length), again);
  require(again == page);
  return 0;
}
