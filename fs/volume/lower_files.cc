#include "fs/volume/lower_files.h"

#include <cerrno>

namespace enfold {

bool has_errno(const Error& error, int errno_value) {
  return error.code == Errc::kSystem && error.errno_value == errno_value;
}

Result<Fd> reopen_quietly(Files& files, int fd, int flags) {
  auto quiet = files.reopen(fd, flags | O_NOATIME);
  if (quiet || !has_errno(quiet.error(), EPERM)) return quiet;
  return files.reopen(fd, flags);
}

Result<Fd> open_regular(Files& files, int dir, const std::string& name, int flags) {
  ENFOLD_TRY_ASSIGN(const Fd path, files.open_at(dir, name, O_PATH | O_NOFOLLOW, 0));
  ENFOLD_TRY_ASSIGN(const StatX lower, files.stat_at(path.get(), ""));
  if (!S_ISREG(lower.stx_mode)) return make_error(Errc::kDamaged, name + " is not a regular file");
  return files.reopen(path.get(), flags);
}

Result<Bytes> read_regular(Files& files, int dir, const std::string& name, std::size_t limit) {
  ENFOLD_TRY_ASSIGN(const Fd fd, open_regular(files, dir, name, O_RDONLY));
  Bytes content(limit + 1);
  ENFOLD_TRY_ASSIGN(const std::size_t size, read_full(files, fd.get(), content, 0));
  if (size > limit) return make_error(Errc::kDamaged, name + " is larger than it can be");
  content.resize(size);
  return content;
}

}  // namespace enfold
