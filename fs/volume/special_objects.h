// Symlinks, FIFOs, sockets and devices: lower regular files whose content is sealed.
#pragma once

#include <memory>
#include <string>

#include "fs/volume/places.h"
#include "fs/volume/volume_context.h"

namespace enfold {

// Thread-safe. Takes Places::names() itself.
class SpecialObjects {
 public:
  SpecialObjects(VolumeContext& context, Places& places) : context_(context), places_(places) {}

  // Read once, then kept in the inode. kDamaged where it does not verify. `inode` is a special object.
  Result<std::shared_ptr<const Special>> load(const InodePtr& inode);

 private:
  VolumeContext& context_;
  Places& places_;
};

}  // namespace enfold
