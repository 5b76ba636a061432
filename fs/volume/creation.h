// New entries of directories.
#pragma once

#include <memory>
#include <mutex>

#include "fs/volume/file_body.h"
#include "fs/volume/tree_parts.h"

namespace enfold {

// A call that fails removes again what it made below. Every inode that is answered has one lookup more.
// Thread-safe.
class Creation {
 public:
  explicit Creation(TreeParts& parts) : parts_(parts) {}

  struct MadeFile {
    InodePtr inode;
    std::unique_ptr<FileHandle> handle;
  };
  Result<MadeFile> file(const Spot& spot, mode_t mode, const Caller& caller);
  Result<InodePtr> directory(const Spot& spot, mode_t mode, const Caller& caller);
  // `special` is complete but for its id.
  Result<InodePtr> special(const Spot& spot, Special special, mode_t mode, const Caller& caller);
  // Another name for what is no directory.
  Result<InodePtr> link(const InodePtr& inode, const Spot& spot);

 private:
  // What was made below and is not finished yet.
  struct Lower {
    SharedFd parent;
    SharedFd fd;  // read-write, or O_PATH for a directory
    InodePtr inode;
    std::unique_lock<std::mutex> opening;  // of the inode
  };

  // With names() held. The directory's descriptor, once the name's sidecar is there.
  Result<SharedFd> prepare(const Spot& spot);
  Result<Lower> make_lower_file(const Spot& spot, mode_t mode);
  Result<Lower> make_lower_directory(const Spot& spot, mode_t mode);
  // Makes the inode, too: whoever finds the name waits at `opening` until the file is finished.
  Result<Lower> make_inode_file(const Spot& spot, mode_t mode);
  Result<Lower> open_new(const Spot& spot, mode_t mode);  // with names() held

  // Owner, mode and content of what was made, then its inode.
  Result<std::shared_ptr<FileBody>> fill_file(const Spot& spot, const Lower& lower,
                                              FileBody::NewFile prepared, mode_t mode, const Caller& caller);
  Result<InodePtr> fill_special(const Spot& spot, const Lower& lower, ByteSpan content, mode_t mode,
                                const Caller& caller);
  Result<InodePtr> fill_directory(const Spot& spot, const Lower& lower, const DirectoryId& id, mode_t mode,
                                  const Caller& caller);
  Result<void> give(const Lower& lower, mode_t mode, const Caller& caller);
  Result<InodePtr> enter(const Spot& spot, const Lower& lower);

  void undo(const Spot& spot, const Lower& lower);
  void drop_unused_sidecar(const Spot& spot);

  TreeParts& parts_;
};

}  // namespace enfold
