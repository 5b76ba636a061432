#include "fs/volume/attributes.h"

#include <sys/sysmacros.h>

#include <cerrno>

#include "fs/format/length.h"
#include "fs/volume/file_body.h"
#include "fs/volume/lower_files.h"
#include "kms/base/log.h"

namespace enfold {
namespace {

timespec time_of(const statx_timestamp& lower) { return {lower.tv_sec, static_cast<long>(lower.tv_nsec)}; }

// Everybody may do everything with a symlink, says Linux; below it is a file that only its owner may read.
mode_t permissions_of(const StatX& lower, mode_t type) {
  return type == S_IFLNK ? mode_t{0777} : mode_t{lower.stx_mode} & 07777U;
}

struct stat common_attributes(const StatX& lower, mode_t type) {
  struct stat out {};
  out.st_ino = lower.stx_ino;
  out.st_mode = type | permissions_of(lower, type);
  out.st_nlink = lower.stx_nlink;
  out.st_uid = lower.stx_uid;
  out.st_gid = lower.stx_gid;
  out.st_blksize = static_cast<blksize_t>(lower.stx_blksize);
  out.st_blocks = static_cast<blkcnt_t>(lower.stx_blocks);
  out.st_atim = time_of(lower.stx_atime);
  out.st_mtim = time_of(lower.stx_mtime);
  out.st_ctim = time_of(lower.stx_ctime);
  if (type == S_IFDIR) out.st_size = static_cast<off_t>(lower.stx_size);
  // What is damaged shows as an empty file, so that it can be seen and removed; opening it says what is
  // wrong.
  if (type == S_IFREG) out.st_size = static_cast<off_t>(plain_length_of(lower.stx_size).value_or(0));
  return out;
}

bool has_metadata(const AttributeChanges& changes) {
  return changes.mode || changes.uid || changes.gid || changes.access_time || changes.modification_time;
}

bool is_unverifiable(const Error& error) {
  return error.code == Errc::kDamaged || error.code == Errc::kUnsupported || has_errno(error, EACCES);
}

}  // namespace

Result<struct stat> Attributes::of(const InodePtr& inode) {
  if (!inode->is_regular()) {
    ENFOLD_TRY_ASSIGN(const StatX lower, parts_.places.current_status(inode));
    return of(inode, lower);
  }
  const std::shared_ptr<FileBody> body = inode->body();
  // Not between a header write, which a re-keying makes in closed files too, and putting the times back.
  const std::lock_guard sealing(inode->sealing);
  ENFOLD_TRY_ASSIGN(const StatX lower, parts_.places.current_status(inode));
  struct stat out = common_attributes(lower, inode->lower.type);
  const auto length = body ? std::optional(body->length()) : inode->settled_length();
  if (length) out.st_size = static_cast<off_t>(*length);
  return out;
}

Result<struct stat> Attributes::of(const InodePtr& inode, const StatX& lower) {
  if (inode->is_special()) return of_special(inode, lower);
  if (inode->body()) return of(inode);
  struct stat out = common_attributes(lower, inode->lower.type);
  // After a crash, where the lower size could not be put right.
  if (const auto length = inode->settled_length()) out.st_size = static_cast<off_t>(*length);
  return out;
}

// A special object is one only once its content verifies: whoever cuts a file to the size of a FIFO makes
// none that somebody would wait on.
Result<struct stat> Attributes::of_special(const InodePtr& inode, const StatX& lower) {
  auto special = parts_.specials.load(inode);
  if (!special && !is_unverifiable(special.error())) return std::unexpected(std::move(special).error());
  if (!special) {
    log_warning("inode " + std::to_string(inode->number) + ": " + describe(special.error()));
    return common_attributes(lower, S_IFREG);
  }
  struct stat out = common_attributes(lower, inode->lower.type);
  out.st_size = static_cast<off_t>((*special)->target.size());
  out.st_rdev = makedev((*special)->device_major, (*special)->device_minor);
  return out;
}

Result<void> Attributes::set(const InodePtr& inode, const AttributeChanges& changes) {
  if (changes.length) ENFOLD_TRY(set_length(inode, *changes.length));
  if (!has_metadata(changes)) return {};
  return set_metadata(inode, changes);
}

Result<void> Attributes::set_length(const InodePtr& inode, std::uint64_t length) {
  if (inode->is_directory()) return system_error(EISDIR, "truncate");
  if (inode->is_special()) ENFOLD_TRY(parts_.specials.load(inode));
  if (!inode->is_regular()) return system_error(EINVAL, "truncate");
  ENFOLD_TRY_ASSIGN(const std::unique_ptr<FileHandle> handle,
                    parts_.open_files.open(inode, {.writes = true}));
  ENFOLD_TRY(handle->body().resize(length));
  return handle->release();
}

Result<void> Attributes::set_metadata(const InodePtr& inode, const AttributeChanges& changes) {
  constexpr timespec kOmit = {0, UTIME_OMIT};
  Files& files = parts_.context.files;
  if (const auto body = inode->body()) body->changed();
  const std::lock_guard sealing(inode->sealing);
  const SharedNames names(parts_.places.names());
  ENFOLD_TRY_ASSIGN(const SharedFd fd, parts_.places.descriptor(inode));
  if (changes.uid || changes.gid)
    ENFOLD_TRY(files.set_owner(fd->get(), changes.uid.value_or(static_cast<uid_t>(-1)),
                               changes.gid.value_or(static_cast<gid_t>(-1))));
  if (changes.mode) ENFOLD_TRY(files.set_mode(fd->get(), *changes.mode & 07777U));
  if (changes.access_time || changes.modification_time)
    ENFOLD_TRY(files.set_times(
        fd->get(), {changes.access_time.value_or(kOmit), changes.modification_time.value_or(kOmit)}));
  return {};
}

}  // namespace enfold
