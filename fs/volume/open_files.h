// Open handles of regular files: one FileBody for each inode, shared by its handles.
#pragma once

#include <memory>

#include "fs/volume/durable_first.h"
#include "fs/volume/places.h"
#include "fs/volume/volume.h"
#include "fs/volume/volume_context.h"

namespace enfold {

// Thread-safe.
class OpenFiles {
 public:
  OpenFiles(VolumeContext& context, InodeTable& table, Places& places, Unsynced& unsynced,
            DurableFirst& durable_first)
      : context_(context),
        table_(table),
        places_(places),
        unsynced_(unsynced),
        durable_first_(durable_first) {}

  // kDamaged, kSystem or an error of the KMS as FileBody::open(); ESTALE where the lower file is another one
  // now.
  Result<std::unique_ptr<FileHandle>> open(const InodePtr& inode, Access access);

  // While the mount recovers: finds how long a regular file is, and writes that below where it is not so yet;
  // nothing to do at other times, and for a file that was looked at. Asks the KMS only where the file does
  // not look whole. Errors as open(); where the length was found and could not be written, the inode has it.
  Result<void> settle(const InodePtr& inode);

  // The first handle of a file that was just made, for reading and writing. With inode->opening held.
  std::unique_ptr<FileHandle> open_created(const InodePtr& inode, std::shared_ptr<FileBody> body);

  // Somebody read it, through a handle for that access.
  void was_read(FileBody& body, const Access& access);
  // As FileHandle::note_cached_reads().
  bool note_cached_reads(FileBody& body, const Access& access);

  // fsync: the content, and what its names stand on.
  Result<void> sync(const InodePtr& inode, FileBody& body, bool data_only);
  Result<void> flush(Inode& inode, FileBody& body);
  // Also drops the body with the last handle.
  Result<void> release(const InodePtr& inode, std::shared_ptr<FileBody> body, Access access);

 private:
  Result<std::shared_ptr<FileBody>> open_body(const InodePtr& inode, bool writes);
  Result<void> settle_open(const InodePtr& inode, FileBody& body);
  Result<bool> looks_whole(const InodePtr& inode);
  Result<Fd> open_for_reading(const InodePtr& inode, bool& writable);
  std::unique_ptr<FileHandle> admit(const InodePtr& inode, std::shared_ptr<FileBody> body, Access access);

  VolumeContext& context_;
  InodeTable& table_;
  Places& places_;
  Unsynced& unsynced_;
  DurableFirst& durable_first_;
};

}  // namespace enfold
