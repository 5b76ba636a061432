// Writing an envelope slot of a lower file's header, without showing.
#pragma once

#include "fs/format/header.h"
#include "kms/base/files.h"

namespace enfold {

// In place, not synced; modification time, set-id bits and capabilities stay as they are, for which nobody
// else may write or set them meanwhile. What fails half-way is put back to `before`.
Result<void> write_header_slot(Files& files, int fd, std::uint8_t index, ConstSlotSpan slot,
                               ConstSlotSpan before);

}  // namespace enfold
