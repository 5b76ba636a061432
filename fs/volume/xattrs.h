// Extended attributes: user.* and trusted.* sealed for their owner, security.* and POSIX ACLs as they are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fs/format/xattr.h"
#include "fs/volume/tree_parts.h"

namespace enfold {

// As linux/xattr.h names them; the bytes are those of linux/posix_acl_xattr.h.
inline constexpr std::string_view kAccessAcl = "system.posix_acl_access";
inline constexpr std::string_view kDefaultAcl = "system.posix_acl_default";

// Errors as getxattr(2) and its family, EIO where a stored one does not verify. Thread-safe.
class Xattrs {
 public:
  explicit Xattrs(TreeParts& parts) : parts_(parts) {}

  Result<Bytes> get(const InodePtr& inode, const std::string& name);
  Result<void> set(const InodePtr& inode, const std::string& name, ByteSpan value, int flags);
  // Those that verify; the others are logged.
  Result<std::vector<std::string>> list(const InodePtr& inode);
  Result<void> remove(const InodePtr& inode, const std::string& name);

 private:
  Result<FileId> owner_id(const InodePtr& inode);
  Result<FileId> read_owner_id(const InodePtr& inode);
  Result<FileId> read_file_id(const InodePtr& inode);  // takes Inode::opening
  Result<XattrCodec> codec(const InodePtr& inode);

  TreeParts& parts_;
};

}  // namespace enfold
