#include "kms/base/whole_file.h"

#include <linux/fs.h>

#include <cerrno>
#include <tuple>

namespace enfold {
namespace {

bool is_errno(const Result<void>& result, int value) {
  return !result && result.error().code == Errc::kSystem && result.error().errno_value == value;
}

// NFS, and what FUSE serves, may know no flags of a rename.
bool knows_no_flags(const Result<void>& moved) {
  return is_errno(moved, EINVAL) || is_errno(moved, ENOSYS) || is_errno(moved, EOPNOTSUPP);
}

// A file beside its place, removed unless it was moved there.
class NewFile {
 public:
  NewFile(Files& files, std::string path, Entropy& entropy)
      : files_(files),
        path_(std::move(path)),
        temporary_(parent_of(path_) + "/.enfold-" + to_hex(random_array<8>(entropy))) {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (fd_.valid()) std::ignore = files_.unlink_at(AT_FDCWD, temporary_, 0);
  }

  Result<void> write(ByteSpan content, mode_t mode) {
    constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    ENFOLD_TRY_ASSIGN(fd_, files_.open_at(AT_FDCWD, temporary_, kFlags, mode));
    ENFOLD_TRY(write_full(files_, fd_.get(), content, 0));
    return files_.sync(fd_.get());
  }

  Result<void> move_into_place() {
    Result<void> moved = files_.rename_at(AT_FDCWD, temporary_, AT_FDCWD, path_, RENAME_NOREPLACE);
    if (moved) fd_ = Fd();  // nothing is left to be removed
    if (knows_no_flags(moved)) moved = files_.link_at(fd_.get(), AT_FDCWD, path_);
    if (is_errno(moved, EEXIST)) return make_error(Errc::kExists, path_ + " has appeared meanwhile");
    return moved;
  }

 private:
  Files& files_;
  std::string path_;
  std::string temporary_;
  Fd fd_;  // valid while `temporary_` is there
};

// Of a new directory. Who may write its parent and not read it cannot sync that.
Result<void> sync_name(Files& files, const std::string& path) {
  Result<void> synced = sync_parent(files, AT_FDCWD, path);
  if (is_errno(synced, EACCES)) return {};
  if (!synced)
    std::ignore = files.unlink_at(AT_FDCWD, path, AT_REMOVEDIR);  // else the next would not sync it
  return synced;
}

}  // namespace

std::string parent_of(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> sync_parent(Files& files, int dir, const std::string& path) {
  ENFOLD_TRY_ASSIGN(const Fd parent, files.open_at(dir, parent_of(path), O_RDONLY | O_DIRECTORY, 0));
  return files.sync(parent.get());
}

Result<void> make_directories(Files& files, const std::string& path) {
  // A read-only or foreign parent may answer other errors than EEXIST for what is there already.
  if (files.stat_at(AT_FDCWD, path)) return {};
  Result<void> made = files.make_directory_at(AT_FDCWD, path, 0700);
  if (is_errno(made, ENOENT)) {
    ENFOLD_TRY(make_directories(files, parent_of(path)));
    made = files.make_directory_at(AT_FDCWD, path, 0700);
  }
  if (is_errno(made, EEXIST)) return {};
  if (made) made = sync_name(files, path);
  if (!made) return add_context(std::move(made).error(), "making " + path);
  return {};
}

Result<void> create_file(Files& files, const std::string& path, ByteSpan content, mode_t mode,
                         Entropy& entropy) {
  if (files.stat_at(AT_FDCWD, path)) return make_error(Errc::kExists, path + " is there already");
  NewFile file(files, path, entropy);
  Result<void> done = file.write(content, mode);
  if (done) done = file.move_into_place();
  if (done) done = sync_parent(files, AT_FDCWD, path);
  if (!done && done.error().code == Errc::kSystem) return add_context(std::move(done).error(), path);
  return done;
}

Result<void> replace_file(Files& files, int dir, const std::string& path, ByteSpan content, mode_t mode) {
  const std::string temporary = path + ".new";
  if (auto stale = files.unlink_at(dir, temporary, 0); !stale && stale.error().errno_value != ENOENT)
    return stale;
  ENFOLD_TRY_ASSIGN(Fd fd, files.open_at(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
  ENFOLD_TRY(write_full(files, fd.get(), content, 0));
  ENFOLD_TRY(files.sync(fd.get()));
  ENFOLD_TRY(files.rename_at(dir, temporary, dir, path, 0));
  return sync_parent(files, dir, path);
}

}  // namespace enfold
