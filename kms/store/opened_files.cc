#include "kms/store/opened_files.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

namespace enfold {
namespace {

std::unexpected<Error> moved(const std::string& path) {
  return make_error(Errc::kStoreTampered,
                    "The KMS store was moved, removed or replaced while it was in use (" + path +
                        " is not what was opened); put it back, or restart what has it open");
}

}  // namespace

Result<OpenedFiles> OpenedFiles::of(const std::string& database) {
  const std::size_t slash = database.rfind('/');
  OpenedFiles out;
  ENFOLD_TRY_ASSIGN(out.directory_,
                    PosixFiles().open_at(AT_FDCWD, database.substr(0, slash + 1), O_PATH | O_DIRECTORY, 0));
  ENFOLD_TRY_ASSIGN(out.path_, out.path());
  std::size_t next = 0;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    ENFOLD_TRY_ASSIGN(out.files_[next++], out.look(database.substr(slash + 1) + suffix));
  }
  return out;
}

Result<OpenedFiles::File> OpenedFiles::look(const std::string& name) const {
  ENFOLD_TRY_ASSIGN(const StatX found, PosixFiles().stat_at(directory_.get(), name));
  return File{name, makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino};
}

// As the kernel has it; nothing is looked up on the way.
Result<std::string> OpenedFiles::path() const {
  std::string out(PATH_MAX, '\0');
  const std::string link = "/proc/self/fd/" + std::to_string(directory_.get());
  const ssize_t size = ::readlink(link.c_str(), out.data(), out.size());
  if (size < 0) return system_error(errno, "the directory of the KMS store");
  out.resize(static_cast<std::size_t>(size));
  return out;
}

Result<void> OpenedFiles::require_files() const {
  for (const File& file : files_) {
    auto found = look(file.name);
    if (found && *found == file) continue;
    const std::string where = path_ + "/" + file.name;
    const int why = found ? 0 : found.error().errno_value;
    if (!found && why != ENOENT && why != ENOTDIR) return add_context(std::move(found).error(), where);
    return moved(where);
  }
  return {};
}

Result<void> OpenedFiles::require_place() const {
  ENFOLD_TRY_ASSIGN(const std::string now, path());
  if (now != path_) return moved(path_);
  return require_files();
}

}  // namespace enfold
