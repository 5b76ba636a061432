#include "fs/volume/renewal.h"

namespace enfold {

Result<void> renew_data_key(VolumeContext& context, OpenFiles& open_files, const InodePtr& inode,
                            const std::atomic<bool>& stop, const DataKeyRenewal::Progress& progress) {
  ENFOLD_TRY_ASSIGN(const auto handle, open_files.open(inode, {.writes = true, .keeps_access_time = true}));
  auto done = DataKeyRenewal(context, handle->body(), inode->sealing).run(stop, progress);
  auto released = handle->release();
  return done ? released : done;
}

}  // namespace enfold
