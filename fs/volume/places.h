// Where inodes are in the lower directory. The kernel below never walks a path for us and follows no symlink:
// each directory is opened as one component below its parent's descriptor and must be the one that is
// expected.
#pragma once

#include <string>

#include "fs/volume/directory_fds.h"
#include "fs/volume/fair_shared_mutex.h"
#include "fs/volume/inode_table.h"
#include "kms/base/files.h"

namespace enfold {

class Places {
 public:
  // `root` has the identity of the table's root.
  Places(Files& files, InodeTable& table, SharedFd root);

  // Shared while a name and what it leads to must stay together: a few system calls. Exclusive around what
  // makes a name or takes one away, and its change to the table. Never held over cryptography, sync or the
  // KMS.
  [[nodiscard]] FairSharedMutex& names() const { return names_; }

  // With names() held, shared or exclusive. kSystem ESTALE where the object is no longer at a place known for
  // it.
  Result<SharedFd> directory(const InodePtr& inode);   // for *at() calls below it
  Result<SharedFd> descriptor(const InodePtr& inode);  // O_PATH
  Result<StatX> status(const InodePtr& inode);
  // directory() with names() held exclusively, and where the mode of one above is closed to us, its owner,
  // that is lent meanwhile.
  Result<SharedFd> directory_lending(const InodePtr& inode);

  // These take names() themselves.

  Result<SharedFd> resolve(const InodePtr& inode);
  Result<StatX> current_status(const InodePtr& inode);

  // Opens the content of a lower regular file. Where its mode forbids that to us, its owner, the mode gets
  // `lent_bits` for the moment (0: fail with EACCES). Reading it leaves the access time as it is.
  Result<Fd> open_content(const InodePtr& inode, int flags, mode_t lent_bits);

  void forget(InodeNumber number, std::uint64_t lookups);
  void unpin(const InodePtr& inode);
  void drop_descriptor(const Inode& directory) { fds_.drop(directory.number); }

  // For the log: lower names only.
  std::string lower_path(const InodePtr& inode) const;

 private:
  Result<SharedFd> open_path(const InodePtr& inode, int flags);
  Result<SharedFd> resolve_lending(const InodePtr& inode);
  Result<Fd> reopen_lending(int fd, int flags, mode_t lent_bits);
  void close_all(const std::vector<InodePtr>& dropped);

  Files& files_;
  InodeTable& table_;
  SharedFd root_;
  DirectoryFds fds_;
  mutable FairSharedMutex names_;
};

// Opens what is at `name` as O_PATH where it is an object of ours with that identity; else nothing.
Result<SharedFd> open_identified(Files& files, int dir, const std::string& name, const LowerId& expected);

// True where `lower` is ours and its mode lacks `bits`: lending them helps. Root needs no loan.
[[nodiscard]] bool can_lend(const StatX& lower, mode_t bits);

}  // namespace enfold
