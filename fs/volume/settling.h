// After a crash: how long a file is (FORMAT.md, "Crashes"). Reads only.
#pragma once

#include "fs/volume/sector_io.h"
#include "fs/volume/volume_context.h"

namespace enfold {

// The length below which every byte is known to be on the device, by the record that a crash left.
[[nodiscard]] std::uint64_t durable_length(const StateRecord& record, const Epochs& epochs);

// The bytes behind the last sector. In a plain copy they are no hole, so that the first page of an append can
// reach the device there before the new size does.
Result<bool> tail_is_zero(Files& files, int fd, std::uint64_t length);

// Without keys: the record is true, the lower size is its length's, the last sector has that length, too, and
// there is nothing behind it. What has changed since the record, and was not synced, shows in one of these.
Result<bool> looks_settled(VolumeContext& context, int fd, const StatX& lower, const StateRecord& record);

// What find_length() looks at; all outlive the call.
struct CrashedFile {
  VolumeContext& context;
  int fd;
  std::uint64_t lower_size;
  const StateRecord& record;
};
// From the durable length on, the file ends where sectors stop verifying. Below it a bad sector is damage,
// which shows when it is read. kDamaged where the lower file is shorter than that.
Result<std::uint64_t> find_length(const CrashedFile& file, SectorCoder& coder);

}  // namespace enfold
