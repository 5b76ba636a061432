// A file that gets a new data key, over the content test's world.
#pragma once

#include "fs/volume/data_key_renewal.h"
#include "tests/volume/content_support.h"

namespace enfold {

// As the volume does it: a writer of its own, which seals when no other is left.
inline Result<void> renew(
    VolumeContext& context, FileBody& body, const DataKeyRenewal::Progress& progress = [](std::uint64_t) {},
    const std::atomic<bool>& stop = false) {
  std::mutex sealing;
  body.add_writer();
  auto done = DataKeyRenewal(context, body, sealing).run(stop, progress);
  body.drop_writer();
  return done;
}

// Stops after so many chunks; the file is between two data keys then.
inline Result<void> renew_chunks(VolumeContext& context, FileBody& body, int chunks) {
  std::atomic<bool> stop = false;
  int done = 0;
  return renew(
      context, body,
      [&](std::uint64_t) {
        if (++done == chunks) stop = true;
      },
      stop);
}

inline HeaderPage header_page(const LowerFile& lower) {
  HeaderPage page{};
  std::ranges::copy(ByteSpan(lower.bytes()).first(page.size()), page.begin());
  return page;
}

inline std::size_t sectors_of_parity(const LowerFile& lower, std::uint8_t parity) {
  const Bytes bytes = lower.bytes();
  std::size_t out = 0;
  for (std::uint64_t page = 1; page < bytes.size() / kPageBytes; ++page)
    if (!is_hole(page_at(ByteSpan(bytes), page)) &&
        sector_key(page_at(ByteSpan(bytes), page)).parity == parity)
      ++out;
  return out;
}

}  // namespace enfold
