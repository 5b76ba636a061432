#include "fs/volume/xattrs.h"

#include <cerrno>

#include "fs/format/header.h"
#include "fs/volume/lower_files.h"
#include "kms/base/log.h"

namespace enfold {
namespace {

bool is_sealed(std::string_view name) { return name.starts_with("user.") || name.starts_with("trusted."); }

// A symlink has no ACL, and what its lower file inherited is not shown.
bool passes_through(const Inode& inode, std::string_view name) {
  if (name.starts_with("security.")) return true;
  return (name == kAccessAcl || name == kDefaultAcl) && inode.lower.type != S_IFLNK;
}

std::unexpected<Error> unsupported() { return system_error(EOPNOTSUPP, "xattr of this namespace"); }

// The lower name; what is too long for one is answered as the kernel answers a name of over 255 bytes.
Result<std::string> seal_name(const XattrCodec& codec, const std::string& name) {
  auto sealed = codec.seal_name(name);
  if (!sealed && sealed.error().code == Errc::kLimit) return system_error(ERANGE, "xattr name");
  return sealed;
}

}  // namespace

Result<Bytes> Xattrs::get(const InodePtr& inode, const std::string& name) {
  Files& files = parts_.context.files;
  if (!is_sealed(name) && !passes_through(*inode, name)) return unsupported();
  ENFOLD_TRY_ASSIGN(const SharedFd fd, parts_.places.resolve(inode));
  if (passes_through(*inode, name)) {
    const std::lock_guard sealing(
        inode->sealing);  // the write of a header takes capabilities, for the moment
    return files.get_xattr(fd->get(), name);
  }
  ENFOLD_TRY_ASSIGN(const XattrCodec codec, this->codec(inode));
  ENFOLD_TRY_ASSIGN(const std::string lower_name, seal_name(codec, name));
  ENFOLD_TRY_ASSIGN(const Bytes sealed, files.get_xattr(fd->get(), lower_name));
  auto value = codec.open_value(name, sealed);
  if (!value) log_warning("inode " + std::to_string(inode->number) + ": " + describe(value.error()));
  return value;
}

Result<void> Xattrs::set(const InodePtr& inode, const std::string& name, ByteSpan value, int flags) {
  Files& files = parts_.context.files;
  if (!is_sealed(name) && !passes_through(*inode, name)) return unsupported();
  ENFOLD_TRY_ASSIGN(const SharedFd fd, parts_.places.resolve(inode));
  if (passes_through(*inode, name)) {
    const std::lock_guard sealing(inode->sealing);  // which puts back what the write of a header takes
    auto done = files.set_xattr(fd->get(), name, value, flags);
    inode->set_has_default_acl(std::nullopt);
    return done;
  }
  ENFOLD_TRY_ASSIGN(const XattrCodec codec, this->codec(inode));
  ENFOLD_TRY_ASSIGN(const std::string lower_name, seal_name(codec, name));
  return files.set_xattr(fd->get(), lower_name, codec.seal_value(name, value, parts_.context.entropy), flags);
}

Result<std::vector<std::string>> Xattrs::list(const InodePtr& inode) {
  ENFOLD_TRY_ASSIGN(const SharedFd fd, parts_.places.resolve(inode));
  ENFOLD_TRY_ASSIGN(const std::vector<std::string> lower_names, parts_.context.files.list_xattrs(fd->get()));
  std::vector<std::string> shown;
  if (lower_names.empty()) return shown;
  ENFOLD_TRY_ASSIGN(const XattrCodec codec, this->codec(inode));
  for (const std::string& lower_name : lower_names) {
    if (passes_through(*inode, lower_name)) shown.push_back(lower_name);
    if (!lower_name.starts_with(kXattrPrefix)) continue;
    auto name = codec.open_name(lower_name);
    if (name)
      shown.push_back(std::move(*name));
    else
      log_warning("inode " + std::to_string(inode->number) + ": left out " + lower_name + ": " +
                  describe(name.error()));
  }
  return shown;
}

Result<void> Xattrs::remove(const InodePtr& inode, const std::string& name) {
  Files& files = parts_.context.files;
  if (!is_sealed(name) && !passes_through(*inode, name)) return unsupported();
  ENFOLD_TRY_ASSIGN(const SharedFd fd, parts_.places.resolve(inode));
  if (passes_through(*inode, name)) {
    const std::lock_guard sealing(inode->sealing);
    auto done = files.remove_xattr(fd->get(), name);
    inode->set_has_default_acl(std::nullopt);
    return done;
  }
  ENFOLD_TRY_ASSIGN(const XattrCodec codec, this->codec(inode));
  ENFOLD_TRY_ASSIGN(const std::string lower_name, seal_name(codec, name));
  return files.remove_xattr(fd->get(), lower_name);
}

Result<XattrCodec> Xattrs::codec(const InodePtr& inode) {
  ENFOLD_TRY_ASSIGN(const FileId owner, owner_id(inode));
  return XattrCodec(parts_.context.keys, owner);
}

Result<FileId> Xattrs::owner_id(const InodePtr& inode) {
  if (const auto known = inode->owner_id()) return *known;
  ENFOLD_TRY_ASSIGN(const FileId owner, read_owner_id(inode));
  inode->set_owner_id(owner);
  return owner;
}

// No KMS is asked: the MACs of a file's header are under the volume secret.
Result<FileId> Xattrs::read_owner_id(const InodePtr& inode) {
  if (inode->is_directory()) {
    ENFOLD_TRY_ASSIGN(const DirectoryId directory, parts_.directories.id(inode));
    return file_id_of(directory);
  }
  if (!inode->is_regular()) {
    ENFOLD_TRY_ASSIGN(const std::shared_ptr<const Special> special, parts_.specials.load(inode));
    return special->file;
  }
  return read_file_id(inode);
}

Result<FileId> Xattrs::read_file_id(const InodePtr& inode) {
  // Headers are written while a handle is open, and who opened one has set the id.
  const std::lock_guard opening(inode->opening);
  if (const auto known = inode->owner_id()) return *known;
  ENFOLD_TRY_ASSIGN(const Fd fd, parts_.places.open_content(inode, O_RDONLY, S_IRUSR));
  HeaderPage page{};
  ENFOLD_TRY_ASSIGN(const std::size_t size, read_full(parts_.context.files, fd.get(), page, 0));
  if (size != page.size()) return make_error(Errc::kDamaged, "lower file has no header");
  ENFOLD_TRY_ASSIGN(const Header header, decode_header(page, parts_.context.keys));
  return header.prefix.file;
}

}  // namespace enfold
