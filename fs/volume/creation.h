// New entries of directories.
#pragma once

#include <memory>
#include <mutex>

#include "fs/volume/file_body.h"
#include "fs/volume/tree_parts.h"

namespace enfold {

// A call that fails removes again what it made below. Every inode that is answered has one lookup more.
// Nobody finds a name that leads to something half made: a directory or special object is made whole under
// the exclusive namespace lock, and a file's `opening` is held until it has its header. Thread-safe.
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
  };
  struct NewFile {
    Lower lower;
    InodePtr inode;
    std::unique_lock<std::mutex> opening;  // of the inode
  };

  // What the mode of a new entry is to be. Where its directory has a default ACL, the lower filesystem lets
  // the entry inherit that (acl(5)), and the umask does not count.
  struct NewMode {
    mode_t bits = 0;
    bool inherits = false;
  };
  Result<NewMode> new_mode(const Spot& spot, mode_t mode, const Caller& caller);
  Result<bool> has_default_acl(const InodePtr& directory);

  // With names() held exclusively, up to the next blank line.
  Result<SharedFd> prepare(const Spot& spot);  // the directory's descriptor, once the name's sidecar is there
  Result<Lower> open_new(const Spot& spot, mode_t mode);
  Result<NewFile> make_file(const Spot& spot, mode_t mode);
  Result<InodePtr> make_special(const Spot& spot, ByteSpan content, NewMode mode, const Caller& caller);
  Result<InodePtr> make_directory(const Spot& spot, ByteSpan marker, NewMode mode, const Caller& caller);
  Result<InodePtr> make_link(const InodePtr& inode, const Spot& spot);
  Result<InodePtr> fill_special(const Spot& spot, const Lower& lower, ByteSpan content, NewMode mode,
                                const Caller& caller);
  Result<InodePtr> fill_directory(const Spot& spot, const Lower& lower, ByteSpan marker, NewMode mode,
                                  const Caller& caller);
  Result<InodePtr> enter(const Spot& spot, const Lower& lower);
  void undo(const Link& link, int flags);  // flags of unlinkat(2)
  [[nodiscard]] bool has_name_in(const Inode& inode, const InodePtr& directory) const;  // needs no lock
  void drop_unused_sidecar(const Link& link);

  // Owner, mode and header of a file, whose name may be moved or removed meanwhile.
  Result<std::shared_ptr<FileBody>> fill_file(const Spot& spot, const NewFile& made,
                                              FileBody::NewFile prepared, NewMode mode, const Caller& caller);
  void undo_file(const NewFile& made);

  Result<void> give(const Lower& lower, NewMode mode, const Caller& caller);

  TreeParts& parts_;
  bool owns_what_it_makes_ = true;  // below, as far as is known; names() guards it
};

}  // namespace enfold
