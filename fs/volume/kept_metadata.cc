#include "fs/volume/kept_metadata.h"

#include <cerrno>
#include <string>

namespace enfold {
namespace {

Result<void> unless_not_the_owner(Result<void> done) {
  if (!done && done.error().errno_value == EPERM) return {};
  return done;
}

// The lower filesystem drops them whenever somebody else than root writes: programs set them before they
// close a file, and the close is when its header is written.
Result<void> restore_set_id_bits(Files& files, int fd, const StatX& before) {
  if ((before.stx_mode & (S_ISUID | S_ISGID)) == 0) return {};
  return unless_not_the_owner(files.set_mode(fd, before.stx_mode & mode_t{07777}));
}

// Of a program (capabilities(7)): each write takes them, also root's.
const std::string kCapabilities = "security.capability";

Result<void> restore_capabilities(Files& files, int fd, const Result<Bytes>& before) {
  if (!before) return {};
  return unless_not_the_owner(files.set_xattr(fd, kCapabilities, *before, 0));
}

}  // namespace

Result<void> restore_modification_time(Files& files, int fd, const StatX& before) {
  timespec modified{};
  modified.tv_sec = before.stx_mtime.tv_sec;
  modified.tv_nsec = before.stx_mtime.tv_nsec;
  timespec omitted{};
  omitted.tv_nsec = UTIME_OMIT;
  return unless_not_the_owner(files.set_times(fd, {omitted, modified}));
}

Result<KeptMetadata> KeptMetadata::of(Files& files, int fd) {
  ENFOLD_TRY_ASSIGN(const StatX before, files.stat_at(fd, ""));
  return of(files, fd, before);
}

Result<KeptMetadata> KeptMetadata::of(Files& files, int fd, const StatX& before) {
  auto capabilities = files.get_xattr(fd, kCapabilities);
  if (!capabilities && capabilities.error().errno_value == EIO)
    return std::unexpected(std::move(capabilities).error());
  return KeptMetadata(before, std::move(capabilities));
}

Result<void> KeptMetadata::put_back(Files& files, int fd) const {
  ENFOLD_TRY(restore_capabilities(files, fd, capabilities_));
  ENFOLD_TRY(restore_set_id_bits(files, fd, before_));
  return restore_modification_time(files, fd, before_);
}

}  // namespace enfold
