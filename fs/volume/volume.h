// An open volume as a tree of inodes: what a mount needs, without any FUSE type. All calls are thread-safe.
// Locks and inode lifetime: fs/README.md. Nothing in the lower directory is ever followed, opened or executed
// unless it is a directory or a regular file of ours.
#pragma once

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/format/names.h"
#include "fs/volume/inode.h"
#include "fs/volume/volume_context.h"

namespace enfold {

class FileBody;
class OpenFiles;
class RekeyObserver;
class RekeyPass;

struct Entry {
  InodeNumber inode = 0;
  struct stat attributes {};  // st_ino is the lower inode number
};

// Who makes a new file. As root the volume gives it to the caller (or, in a setgid directory, to its group).
struct Caller {
  uid_t uid = 0;
  gid_t gid = 0;
  mode_t umask = 0;  // taken from the mode, unless the directory has a default ACL (acl(5))
};

struct AttributeChanges {
  std::optional<mode_t> mode;
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::optional<std::uint64_t> length;
  std::optional<timespec> access_time;  // tv_nsec may be UTIME_NOW
  std::optional<timespec> modification_time;
};

struct DirectoryEntry {
  std::string name;
  std::string lower_name;
  mode_t type = 0;           // S_IFMT bits; 0 where the lower listing does not tell: see type_of()
  std::uint64_t number = 0;  // lower inode number
  // Where a listing goes on after this entry. At least kFirstPosition, ascending in a listing, and the same
  // in later ones, but for a few whose hashes collide: who stays is seen exactly once, even by who goes on in
  // another handle, as servers of NFS do.
  std::uint64_t position = 0;
};

// Below it are "." and "..".
inline constexpr std::uint64_t kFirstPosition = 3;

// What a handle is opened for.
struct Access {
  bool writes = false;
  bool maps = false;               // a shared mapping may be written through it: open for reading and writing
  bool keeps_access_time = false;  // O_NOATIME
};

// An open file. Closing: flush() for each close(2), release() once at the end, before the volume goes.
class FileHandle {
 public:
  // Only OpenFiles makes them.
  FileHandle(OpenFiles& owner, std::shared_ptr<Inode> inode, std::shared_ptr<FileBody> body, Access access);
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;
  ~FileHandle();  // as release()

  Result<std::size_t> read(std::uint64_t offset, MutableByteSpan out);
  Result<void> write(std::uint64_t offset, ByteSpan in);  // kSystem EBADF where it was opened for reading
  // fallocate(2) with mode 0, FALLOC_FL_PUNCH_HOLE or FALLOC_FL_ZERO_RANGE, and FALLOC_FL_KEEP_SIZE with
  // each; EOPNOTSUPP for other modes, and where the lower filesystem cannot do it. Other errors as write().
  Result<void> allocate(int mode, std::uint64_t offset, std::uint64_t length);
  // lseek(2) with SEEK_DATA or SEEK_HOLE. While a handle that a shared mapping may come from is open, all is
  // data: the kernel may have bytes that are not here yet.
  Result<std::uint64_t> seek(std::uint64_t offset, int whence);
  Result<void> sync(bool data_only);
  Result<void> flush();
  // For a close: where only the kernel's cache was read through this handle, which nobody tells us of, and
  // the access time is older than the last change (or than a day), it counts as read now. True where it did.
  bool note_cached_reads();
  Result<void> release();  // no other call may run or follow
  [[nodiscard]] FileBody& body() { return *body_; }
  [[nodiscard]] const std::shared_ptr<Inode>& inode() const { return inode_; }

 private:
  OpenFiles& owner_;
  std::shared_ptr<Inode> inode_;
  std::shared_ptr<FileBody> body_;  // null once released
  Access access_;
  std::atomic<bool> was_read_ = false;
};

// A listing taken when it is first read and again after each rewind to position 0.
class DirectoryHandle {
 public:
  DirectoryHandle() = default;
  DirectoryHandle(const DirectoryHandle&) = delete;
  DirectoryHandle& operator=(const DirectoryHandle&) = delete;
  virtual ~DirectoryHandle() = default;

  // "." and ".." are not among them. Entries that do not decrypt, and what is not ours, are left out and
  // logged.
  virtual Result<const std::vector<DirectoryEntry>*> entries(bool rewind) = 0;
  // S_IFMT bits of an entry whose listing left them open: a file and a special object look alike there.
  virtual Result<mode_t> type_of(const DirectoryEntry& entry) = 0;
  // The marker and all special objects made here are durable.
  virtual Result<void> sync() = 0;
};

class Volume {
 public:
  // `lower_root` is a descriptor of the lower directory.
  static Result<std::unique_ptr<Volume>> open(VolumeContext& context, Fd lower_root);

  Volume() = default;
  Volume(const Volume&) = delete;
  Volume& operator=(const Volume&) = delete;
  virtual ~Volume() = default;

  // Each Entry that is answered counts one lookup of its inode; forget() gives them back. The root needs
  // none.
  virtual Result<Entry> lookup(InodeNumber parent, std::string_view name) = 0;
  // The same for an entry that a listing gave, whose lower name need not be made again.
  virtual Result<Entry> lookup_listed(InodeNumber parent, const DirectoryEntry& entry) = 0;
  virtual void forget(InodeNumber inode, std::uint64_t lookups) = 0;

  virtual Result<struct stat> attributes(InodeNumber inode) = 0;
  virtual Result<struct stat> set_attributes(InodeNumber inode, const AttributeChanges& changes) = 0;
  virtual Result<std::string> read_link(InodeNumber inode) = 0;

  virtual Result<Entry> make_directory(InodeNumber parent, std::string_view name, mode_t mode,
                                       const Caller& caller) = 0;
  virtual Result<Entry> make_symlink(InodeNumber parent, std::string_view name, std::string_view target,
                                     const Caller& caller) = 0;
  // A FIFO, socket, device, or an empty regular file.
  virtual Result<Entry> make_node(InodeNumber parent, std::string_view name, mode_t mode, dev_t device,
                                  const Caller& caller) = 0;
  virtual Result<void> unlink(InodeNumber parent, std::string_view name) = 0;
  virtual Result<void> remove_directory(InodeNumber parent, std::string_view name) = 0;
  // flags: 0, RENAME_NOREPLACE or RENAME_EXCHANGE as renameat2(2).
  virtual Result<void> rename(InodeNumber parent, std::string_view name, InodeNumber new_parent,
                              std::string_view new_name, unsigned flags) = 0;
  virtual Result<Entry> link(InodeNumber inode, InodeNumber new_parent, std::string_view new_name) = 0;

  struct Created {
    Entry entry;
    std::unique_ptr<FileHandle> handle;
  };
  // kSystem EEXIST where the name is taken.
  virtual Result<Created> create(InodeNumber parent, std::string_view name, mode_t mode,
                                 const Caller& caller) = 0;
  // flags: O_ACCMODE and O_NOATIME count. O_TRUNC is a set_attributes() that follows.
  virtual Result<std::unique_ptr<FileHandle>> open_file(InodeNumber inode, int flags) = 0;
  virtual Result<std::unique_ptr<DirectoryHandle>> open_directory(InodeNumber inode) = 0;

  virtual Result<struct statvfs> filesystem() = 0;
  // Whether the lower filesystem keeps POSIX ACLs.
  virtual bool has_acls() = 0;

  // After Epochs::set_durable(): what a checkpoint covered need not be synced any more.
  virtual void checkpointed() = 0;
  // After a crash: passes over the whole tree, settles files, restores markers, and moves to enfold.lost what
  // is of no use. Beside all other calls; one at a time. True when the whole tree was passed; false when it
  // was stopped, or something could not be read or written for now (the log says what).
  virtual Result<bool> recover(const std::atomic<bool>& stop) = 0;
  // For `check --repair`: writes a directory's marker again where it does not verify, or opens none of the
  // directory's names. False where it is right; kNotFound where nothing in the directory tells its id.
  virtual Result<bool> repair_marker(InodeNumber directory) = 0;
  // For `enfold rekey`, one at a time; see RekeyPass. Both outlive what is answered.
  virtual std::unique_ptr<RekeyPass> rekey(unsigned jobs, RekeyObserver& observer) = 0;

  // user.* and trusted.* are sealed; security.* and POSIX ACLs (system.posix_acl_access and _default, as the
  // kernel's own filesystems store and answer them) pass through; others are EOPNOTSUPP. flags: XATTR_CREATE,
  // XATTR_REPLACE.
  virtual Result<Bytes> get_xattr(InodeNumber inode, const std::string& name) = 0;
  virtual Result<void> set_xattr(InodeNumber inode, const std::string& name, ByteSpan value, int flags) = 0;
  virtual Result<std::vector<std::string>> list_xattrs(InodeNumber inode) = 0;
  virtual Result<void> remove_xattr(InodeNumber inode, const std::string& name) = 0;
};

}  // namespace enfold
