// One object of the volume while the kernel, a handle or a child refers to it. Lifetime and locks:
// fs/README.md.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fs/format/ids.h"
#include "fs/format/special.h"
#include "kms/base/files.h"

namespace enfold {

class FileBody;
class Inode;

using InodeNumber = std::uint64_t;  // the kernel's node id: never reused while a volume is open
inline constexpr InodeNumber kRootInode = 1;

using InodePtr = std::shared_ptr<Inode>;

// A descriptor that several calls use at once; closed when the last of them is done.
using SharedFd = std::shared_ptr<const Fd>;
inline SharedFd share(Fd fd) { return std::make_shared<const Fd>(std::move(fd)); }

// S_IFMT bits of what a lower entry shows as: S_IFDIR; S_IFREG; or the type of a special object, which its
// size tells. 0 for what is neither a directory nor a regular file below: planted, never followed nor opened.
mode_t type_of(const StatX& lower);

SpecialKind special_kind_of_type(mode_t type);  // not for S_IFDIR and S_IFREG

// Who a lower object is, whatever its name. The type belongs to it: a file that became a symlink behind the
// mount's back is another object.
struct LowerId {
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t number = 0;
  std::int64_t birth_seconds = 0;  // 0 where the lower filesystem keeps no birth time
  std::uint32_t birth_nanoseconds = 0;
  mode_t type = 0;

  friend bool operator==(const LowerId&, const LowerId&) = default;
};
LowerId lower_id_of(const StatX& lower);

struct LowerIdHash {
  std::size_t operator()(const LowerId& id) const {
    return std::hash<std::uint64_t>()(id.number ^ (std::uint64_t{id.birth_nanoseconds} << 32U));
  }
};

// A name of an inode in the lower directory.
struct Link {
  InodePtr parent;
  std::string lower_name;

  friend bool operator==(const Link&, const Link&) = default;
};

class Inode {
 public:
  Inode(InodeNumber its_number, const LowerId& its_lower) : number(its_number), lower(its_lower) {}

  const InodeNumber number;
  const LowerId lower;

  [[nodiscard]] bool is_directory() const { return lower.type == S_IFDIR; }
  [[nodiscard]] bool is_regular() const { return lower.type == S_IFREG; }
  [[nodiscard]] bool is_special() const { return !is_directory() && !is_regular(); }

  // The content, while a handle has it open; else null.
  [[nodiscard]] std::shared_ptr<FileBody> body() const { return locked(body_); }
  void set_body(std::shared_ptr<FileBody> body);

  // What was once read from the lower directory and does not change while this inode lives.
  [[nodiscard]] std::optional<DirectoryId> directory_id() const { return locked(directory_id_); }
  void set_directory_id(const DirectoryId& id);
  [[nodiscard]] std::optional<FileId> owner_id() const { return locked(owner_id_); }
  void set_owner_id(const FileId& id);
  [[nodiscard]] std::shared_ptr<const Special> special() const { return locked(special_); }
  void set_special(std::shared_ptr<const Special> special);
  // Whether a directory has a default ACL. Forgotten when that is set or removed.
  [[nodiscard]] std::optional<bool> has_default_acl() const { return locked(has_default_acl_); }
  void set_has_default_acl(std::optional<bool> has);

  // After a crash: the content was looked at, and where that could not be written below (a read-only mount)
  // the length that it has.
  struct Settled {
    bool done = false;
    std::optional<std::uint64_t> length;
  };
  [[nodiscard]] Settled settled() const { return locked(settled_); }
  [[nodiscard]] std::optional<std::uint64_t> settled_length() const { return settled().length; }
  void set_settled(const Settled& settled);

  std::mutex opening;         // held while content is opened or released; over KMS calls and I/O
  std::uint64_t handles = 0;  // guarded by `opening`
  std::mutex sealing;         // held while a header is written and what that moves is put back, set or read

 private:
  friend class InodeTable;

  template <class T>
  T locked(const T& member) const {
    const std::lock_guard lock(mutex_);
    return member;
  }

  mutable std::mutex mutex_;  // guards what follows, up to the table's part
  std::shared_ptr<FileBody> body_;
  std::optional<DirectoryId> directory_id_;
  std::optional<FileId> owner_id_;
  std::shared_ptr<const Special> special_;
  std::optional<bool> has_default_acl_;
  Settled settled_;

  // Guarded by the table's mutex.
  std::uint64_t lookups_ = 0;  // the kernel's
  std::uint64_t pins_ = 0;     // links of children, open handles
  std::vector<Link> links_;
  SharedFd orphan_;  // keeps what has no known name any more
};

}  // namespace enfold
