// Open handles of regular files: one FileBody for each inode, shared by its handles.
#pragma once

#include <memory>

#include "fs/volume/places.h"
#include "fs/volume/volume.h"
#include "fs/volume/volume_context.h"

namespace enfold {

// Thread-safe.
class OpenFiles {
 public:
  OpenFiles(VolumeContext& context, InodeTable& table, Places& places)
      : context_(context), table_(table), places_(places) {}

  // kDamaged, kSystem or an error of the KMS as FileBody::open(); ESTALE where the lower file is another one
  // now.
  Result<std::unique_ptr<FileHandle>> open(const InodePtr& inode, bool writes);

  // The first handle of a file that was just made, for reading and writing. With inode->opening held.
  std::unique_ptr<FileHandle> open_created(const InodePtr& inode, std::shared_ptr<FileBody> body);

  Result<void> flush(Inode& inode, FileBody& body);
  // Also drops the body with the last handle.
  Result<void> release(const InodePtr& inode, std::shared_ptr<FileBody> body, bool writes);

 private:
  Result<std::shared_ptr<FileBody>> open_body(const InodePtr& inode, bool writes);
  Result<Fd> open_for_reading(const InodePtr& inode, bool& writable);
  std::unique_ptr<FileHandle> admit(const InodePtr& inode, std::shared_ptr<FileBody> body, bool writes);

  VolumeContext& context_;
  InodeTable& table_;
  Places& places_;
};

}  // namespace enfold
