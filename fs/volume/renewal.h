// New data keys for files that may be open.
#pragma once

#include "fs/volume/data_key_renewal.h"
#include "fs/volume/open_files.h"

namespace enfold {

// Gives the file a new data key from the KMS (KeyCache::make: under the key that new files get) and writes
// its sectors under it; or, where an earlier call was cut, finishes that one and no more: look at the header
// again. `stop` is looked at between chunks: the file then stays between two data keys (kBusy). Errors as
// OpenFiles::open() for a writer and DataKeyRenewal::run().
Result<void> renew_data_key(VolumeContext& context, OpenFiles& open_files, const InodePtr& inode,
                            const std::atomic<bool>& stop, const DataKeyRenewal::Progress& progress);

}  // namespace enfold
