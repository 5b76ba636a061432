#include "fs/volume/header_slot.h"

#include <tuple>

#include "fs/volume/kept_metadata.h"

namespace enfold {

Result<void> write_header_slot(Files& files, int fd, std::uint8_t index, ConstSlotSpan slot,
                               ConstSlotSpan before) {
  ENFOLD_TRY_ASSIGN(const KeptMetadata kept, KeptMetadata::of(files, fd));
  auto written = write_full(files, fd, slot, kSlotOffset[index]);
  if (!written) std::ignore = write_full(files, fd, before, kSlotOffset[index]);
  auto put_back = kept.put_back(files, fd);
  return written ? put_back : written;
}

}  // namespace enfold
