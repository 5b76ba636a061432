// What stat(2) shows of an inode, and setting it. A special object that does not verify shows as an empty
// regular file.
#pragma once

#include <sys/stat.h>

#include "fs/volume/tree_parts.h"

namespace enfold {

// Thread-safe.
class Attributes {
 public:
  explicit Attributes(TreeParts& parts) : parts_(parts) {}

  Result<struct stat> of(const InodePtr& inode);
  // The same from what was just read of the lower object, where nothing can be in the middle of a change.
  Result<struct stat> of(const InodePtr& inode, const StatX& lower);

  // Length, owner, mode, times: in this order, since each but the last changes what comes after it.
  Result<void> set(const InodePtr& inode, const AttributeChanges& changes);

 private:
  Result<void> set_length(const InodePtr& inode, std::uint64_t length);
  Result<void> set_metadata(const InodePtr& inode, const AttributeChanges& changes);
  Result<struct stat> of_special(const InodePtr& inode, const StatX& lower);

  TreeParts& parts_;
};

}  // namespace enfold
