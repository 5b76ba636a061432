// What must be on the device before something else is done or answered (fs/README.md, "Durable first").
#pragma once

#include <string>

#include "fs/format/names.h"
#include "fs/volume/places.h"
#include "fs/volume/unsynced.h"
#include "fs/volume/volume_context.h"

namespace enfold {

// Thread-safe. A sync that failed is told to Epochs, and from then on nothing that is unsynced can be synced:
// the kernel forgets which pages it could not write, so that another sync would say that all is well. Takes
// Places::names() itself, but where it says otherwise.
class DurableFirst {
 public:
  DurableFirst(VolumeContext& context, InodeTable& table, Places& places, Unsynced& unsynced)
      : context_(context), table_(table), places_(places), unsynced_(unsynced) {}

  // The marker of that directory, and those of the directories above it, each with the sidecar of its name.
  Result<void> path_to(const InodePtr& directory);
  // The sidecars of the names of one inode.
  Result<void> sidecars(const InodePtr& inode);
  // Before an fsync of that file returns; its content was synced after `mark` was taken.
  Result<void> file(const InodePtr& inode, Unsynced::Mark mark);
  // fsync of a directory.
  Result<void> directory(const InodePtr& directory);
  // `fd` is O_PATH, of a special object.
  Result<void> special(const LowerId& object, int fd);

  // Of a hashed name in `directory`, which `dir` is. With names() held exclusively, so that nobody takes it
  // away or writes it again: only long names pay for that.
  Result<void> sidecar(const InodePtr& directory, int dir, const std::string& lower_name);

  // The whole lower filesystem.
  Result<void> everything();

 private:
  Result<void> marker(const InodePtr& directory);
  Result<void> listed(const InodePtr& directory, int dir, const Unsynced::Waiting& waiting);
  Result<void> object(int dir, const std::string& lower_name, const LowerId& object);
  Result<void> small_file(int dir, const std::string& name);
  Result<void> sync(int fd);
  Result<void> require_no_failure() const;

  VolumeContext& context_;
  InodeTable& table_;
  Places& places_;
  Unsynced& unsynced_;
};

}  // namespace enfold
