#include "tests/crash/recording_files.h"

#include <linux/fs.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <tuple>

namespace enfold {

using Kind = LowerCall::Kind;

RecordingFiles::RecordingFiles(const std::vector<std::filesystem::path>& roots) {
  for (std::size_t root = 0; root < roots.size(); ++root)
    add_root(roots[root], log_.start, next_, [&](const struct stat& status, NodeId node) {
      known_[{status.st_dev, status.st_ino}] = {node, root};
    });
}

void RecordingFiles::before_call(std::size_t position, std::function<void()> act) {
  const std::lock_guard lock(mutex_);
  act_at_ = position;
  act_ = std::move(act);
}

Result<void> RecordingFiles::begin() {
  std::function<void()> act;
  {
    const std::lock_guard lock(mutex_);
    if (act_ && log_.calls.size() >= act_at_) act = std::exchange(act_, nullptr);
  }
  if (act) act();
  if (is_dead_) return system_error(EIO, "the process is dead");
  return {};
}

RecordingFiles::Known RecordingFiles::known(const Result<StatX>& status) const {
  if (!status) return {};
  const auto found = known_.find({makedev(status->stx_dev_major, status->stx_dev_minor), status->stx_ino});
  return found == known_.end() ? Known{} : found->second;
}

RecordingFiles::Place RecordingFiles::place(int dir, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {known(dir), path};
  return {named(dir, slash == 0 ? "/" : path.substr(0, slash)), path.substr(slash + 1)};
}

void RecordingFiles::add(LowerCall call, const Known& where) {
  call.root = where.root;
  log_.calls.push_back(std::move(call));
}

void RecordingFiles::add_created(const Place& at, int dir, const std::string& path) {
  const auto status = PosixFiles::stat_at(dir, path);
  if (!status || at.directory.node == 0) return;
  const Known made{next_++, at.directory.root};
  known_[{makedev(status->stx_dev_major, status->stx_dev_minor), status->stx_ino}] = made;
  LowerCall call{.kind = Kind::kCreate, .node = made.node, .directory = at.directory.node, .name = at.name};
  call.mode = status->stx_mode;
  add(std::move(call), made);
}

Result<Fd> RecordingFiles::open_at(int dir, const std::string& path, int flags, mode_t mode) {
  const bool may_create = (flags & O_CREAT) != 0;
  if (may_create) ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  const bool was_there = may_create && PosixFiles::stat_at(dir, path).has_value();
  ENFOLD_TRY_ASSIGN(Fd fd, PosixFiles::open_at(dir, path, flags, mode));
  if (may_create && !was_there) add_created(place(dir, path), dir, path);
  return fd;
}

std::vector<bool> RecordingFiles::unallocated(int fd, std::uint64_t offset, std::uint64_t size) {
  std::vector<bool> out;
  auto readable = PosixFiles::reopen(fd, O_RDONLY);
  for (std::uint64_t page = offset / kPageBytes; page * kPageBytes < offset + size; ++page) {
    LowerPage content{};
    if (readable) std::ignore = PosixFiles::read_at(readable->get(), content, page * kPageBytes);
    out.push_back(all_zero(content));
  }
  return out;
}

// One entry for each page, with what the file holds there now.
void RecordingFiles::add_pages(int fd, const Known& where, std::uint64_t offset, std::uint64_t size,
                               const std::vector<bool>& unallocated) {
  auto readable = PosixFiles::reopen(fd, O_RDONLY);
  const std::uint64_t first = offset / kPageBytes;
  for (std::uint64_t page = first; page * kPageBytes < offset + size; ++page) {
    auto content = std::make_shared<LowerPage>();
    if (readable) std::ignore = PosixFiles::read_at(readable->get(), *content, page * kPageBytes);
    LowerCall call{.kind = Kind::kWrite, .node = where.node};
    call.page = page;
    call.content = std::move(content);
    call.size = std::min(offset + size, (page + 1) * kPageBytes);
    call.allocates = unallocated[page - first];
    add(std::move(call), where);
  }
}

Result<std::size_t> RecordingFiles::write_at(int fd, ByteSpan in, std::uint64_t offset) {
  ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  const Known where = known(fd);
  if (where.node == 0) return PosixFiles::write_at(fd, in, offset);
  const std::vector<bool> new_pages = unallocated(fd, offset, in.size());
  ENFOLD_TRY_ASSIGN(const std::size_t size, PosixFiles::write_at(fd, in, offset));
  add_pages(fd, where, offset, size, new_pages);
  return size;
}

Result<void> RecordingFiles::truncate(int fd, std::uint64_t size) {
  ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  ENFOLD_TRY(PosixFiles::truncate(fd, size));
  const Known where = known(fd);
  if (where.node != 0) add({.kind = Kind::kTruncate, .node = where.node, .size = size}, where);
  return {};
}

// Pages that became zeros as a whole are punched, parts of pages were written.
void RecordingFiles::add_punched(int fd, const Known& where, std::uint64_t offset, std::uint64_t end,
                                 bool keeps_blocks) {
  for (std::uint64_t page = offset / kPageBytes; page * kPageBytes < end; ++page) {
    const std::uint64_t from = std::max(offset, page * kPageBytes);
    const std::uint64_t to = std::min(end, (page + 1) * kPageBytes);
    if (to - from < kPageBytes) {
      add_pages(fd, where, from, to - from, {false});
      continue;
    }
    LowerCall call{.kind = Kind::kPunch, .node = where.node};
    call.page = page;
    call.keeps_blocks = keeps_blocks;
    add(std::move(call), where);
  }
}

// Where the filesystem below the tests (tmpfs) cannot zero, punching stands for it.
Result<void> RecordingFiles::allocate(int fd, int mode, std::uint64_t offset, std::uint64_t size) {
  ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  const bool zeroes = (mode & FALLOC_FL_ZERO_RANGE) != 0;
  const std::uint64_t old_size = PosixFiles::stat_at(fd, "").value().stx_size;
  ENFOLD_TRY(
      PosixFiles::allocate(fd, zeroes ? FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE : mode, offset, size));
  const Known where = known(fd);
  if (where.node == 0) return {};
  if (zeroes || (mode & FALLOC_FL_PUNCH_HOLE) != 0)
    add_punched(fd, where, offset, std::min(offset + size, old_size), zeroes);
  else
    add({.kind = Kind::kTouch, .node = where.node}, where);
  const std::uint64_t new_size =
      (mode & FALLOC_FL_KEEP_SIZE) != 0 ? old_size : std::max(old_size, offset + size);
  if (new_size != old_size) {
    ENFOLD_TRY(PosixFiles::truncate(fd, new_size));
    add({.kind = Kind::kTruncate, .node = where.node, .size = new_size}, where);
  }
  return {};
}

Result<void> RecordingFiles::log_simple(Kind kind, int fd) {
  const Known where = known(fd);
  if (where.node != 0) add({.kind = kind, .node = where.node}, where);
  return {};
}

Result<void> RecordingFiles::sync(int fd) {
  ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  return known(fd).node != 0 ? log_simple(Kind::kSync, fd) : PosixFiles::sync(fd);
}

Result<void> RecordingFiles::sync_data(int fd) {
  ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  return known(fd).node != 0 ? log_simple(Kind::kSyncData, fd) : PosixFiles::sync_data(fd);
}

Result<void> RecordingFiles::sync_filesystem(int fd) {
  ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  return known(fd).node != 0 ? log_simple(Kind::kSyncFilesystem, fd) : PosixFiles::sync_filesystem(fd);
}

Result<void> RecordingFiles::make_directory_at(int dir, const std::string& name, mode_t mode) {
  ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  ENFOLD_TRY(PosixFiles::make_directory_at(dir, name, mode));
  add_created(place(dir, name), dir, name);
  return {};
}

Result<void> RecordingFiles::unlink_at(int dir, const std::string& name, int flags) {
  ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  const Known what = named(dir, name);
  const Place at = place(dir, name);
  ENFOLD_TRY(PosixFiles::unlink_at(dir, name, flags));
  if (what.node != 0)
    add({.kind = Kind::kUnlink, .node = what.node, .directory = at.directory.node, .name = at.name}, what);
  return {};
}

Result<void> RecordingFiles::rename_at(int from_dir, const std::string& from, int to_dir,
                                       const std::string& to, unsigned flags) {
  ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  const Known what = named(from_dir, from);
  const Known other = named(to_dir, to);
  const Place source = place(from_dir, from);
  const Place target = place(to_dir, to);
  ENFOLD_TRY(PosixFiles::rename_at(from_dir, from, to_dir, to, flags));
  if (what.node == 0 || what.node == other.node) return {};
  LowerCall call{.kind = (flags & RENAME_EXCHANGE) != 0 ? Kind::kExchange : Kind::kRename};
  call.node = what.node;
  call.directory = source.directory.node;
  call.name = source.name;
  call.to_directory = target.directory.node;
  call.to_name = target.name;
  call.other = other.node;
  add(std::move(call), what);
  return {};
}

Result<void> RecordingFiles::link_at(int fd, int to_dir, const std::string& to) {
  ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  ENFOLD_TRY(PosixFiles::link_at(fd, to_dir, to));
  const Known what = known(fd);
  const Place at = place(to_dir, to);
  if (what.node != 0)
    add({.kind = Kind::kLink, .node = what.node, .directory = at.directory.node, .name = at.name}, what);
  return {};
}

Result<void> RecordingFiles::set_mode(int fd, mode_t mode) {
  ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  ENFOLD_TRY(PosixFiles::set_mode(fd, mode));
  const auto status = stat_at(fd, "");
  const Known where = known(status);
  if (where.node == 0) return {};
  LowerCall call{.kind = Kind::kMode, .node = where.node};
  call.mode = status->stx_mode;
  add(std::move(call), where);
  return {};
}

Result<void> RecordingFiles::set_owner(int fd, uid_t uid, gid_t gid) {
  ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  ENFOLD_TRY(PosixFiles::set_owner(fd, uid, gid));
  return log_simple(Kind::kTouch, fd);
}

Result<void> RecordingFiles::set_times(int fd, const std::array<timespec, 2>& times) {
  ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  ENFOLD_TRY(PosixFiles::set_times(fd, times));
  return log_simple(Kind::kTouch, fd);
}

Result<void> RecordingFiles::set_xattr(int fd, const std::string& name, ByteSpan value, int flags) {
  ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  ENFOLD_TRY(PosixFiles::set_xattr(fd, name, value, flags));
  const Known where = known(fd);
  if (where.node == 0) return {};
  LowerCall call{.kind = Kind::kXattr, .node = where.node, .name = name};
  call.value.assign(value.begin(), value.end());
  add(std::move(call), where);
  return {};
}

Result<void> RecordingFiles::remove_xattr(int fd, const std::string& name) {
  ENFOLD_TRY(begin());
  const std::lock_guard lock(mutex_);
  ENFOLD_TRY(PosixFiles::remove_xattr(fd, name));
  const Known where = known(fd);
  if (where.node == 0) return {};
  LowerCall call{.kind = Kind::kXattr, .node = where.node, .name = name};
  call.is_removal = true;
  add(std::move(call), where);
  return {};
}

}  // namespace enfold
