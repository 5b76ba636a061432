#include "kms/store/opened_files.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "kms/base/files.h"

namespace enfold {

Result<OpenedFiles::File> OpenedFiles::look(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const StatX found, PosixFiles().stat_at(AT_FDCWD, path));
  return File{path, makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino};
}

Result<OpenedFiles> OpenedFiles::of(const std::string& database) {
  OpenedFiles out;
  std::size_t next = 0;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    ENFOLD_TRY_ASSIGN(out.files_[next++], look(database + suffix));
  }
  return out;
}

Result<void> OpenedFiles::require(const File& opened) {
  auto found = look(opened.path);
  if (found && *found == opened) return {};
  const int why = found ? 0 : found.error().errno_value;
  if (!found && why != ENOENT && why != ENOTDIR) return add_context(std::move(found).error(), opened.path);
  return make_error(Errc::kStoreTampered,
                    "The KMS store was moved, removed or replaced while it was in use (" + opened.path +
                        " is not the file that was opened); put it back, or restart what has it open");
}

Result<void> OpenedFiles::require_all() const {
  for (const File& file : files_) ENFOLD_TRY(require(file));
  return {};
}

}  // namespace enfold
