// Names and open files; attributes are in volume_attributes.cc.
#include "tests/conformance/volume_filesystem.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace enfold {
namespace {

bool reads(int flags) { return (flags & O_ACCMODE) != O_WRONLY; }
bool writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

}  // namespace

OrdinaryUser::OrdinaryUser() : was_root_(::geteuid() == 0) {
  constexpr uid_t kNobody = 65534;
  if (was_root_) {
    EXPECT_EQ(::setegid(kNobody) + ::seteuid(kNobody), 0);
  }
}

OrdinaryUser::~OrdinaryUser() {
  if (was_root_) {
    EXPECT_EQ(::seteuid(0) + ::setegid(0), 0);
  }
}

VolumeFilesystem::~VolumeFilesystem() { open_.clear(); }

void VolumeFilesystem::remount() {
  while (!open_.empty()) EXPECT_TRUE(is_ok(close(open_.begin()->first)));
  forget_looked_up();
  world_.remount();
}

Caller VolumeFilesystem::caller() const {
  Caller caller = world_.caller();
  caller.umask = umask_;
  return caller;
}

void VolumeFilesystem::forget_looked_up() {
  for (const InodeNumber inode : looked_up_) tree().forget(inode, 1);
  looked_up_.clear();
  types_.clear();
}

Result<std::optional<InodeNumber>> VolumeFilesystem::child(InodeNumber parent, const std::string& name) {
  auto entry = tree().lookup(parent, name);
  if (!entry && errno_value(entry) == ENOENT) return std::optional<InodeNumber>();
  if (!entry) return std::unexpected(std::move(entry).error());
  looked_up_.push_back(entry->inode);
  types_[entry->inode] = entry->attributes.st_mode & S_IFMT;
  return std::optional(entry->inode);
}

Result<VolumeFilesystem::Walk> VolumeFilesystem::walk(const std::string& path, bool follows_last) {
  return walk_path<InodeNumber>(*this, path, follows_last);
}

Result<InodeNumber> VolumeFilesystem::inode_at(const std::string& path, bool follows_last) {
  forget_looked_up();
  ENFOLD_TRY_ASSIGN(const Walk at, walk(path, follows_last));
  if (!at.found) return system_error(ENOENT, "path walk");
  return *at.found;
}

Result<void> VolumeFilesystem::made(const Result<Entry>& entry) {
  if (!entry) return std::unexpected(entry.error());
  looked_up_.push_back(entry->inode);
  return {};
}

Result<void> VolumeFilesystem::mkdir(const std::string& path, mode_t mode) {
  forget_looked_up();
  ENFOLD_TRY_ASSIGN(const Walk at, walk(path));
  // The kernel passes no set-id bits on.
  return made(tree().make_directory(at.parent, at.name, mode & 01777, caller()));
}

Result<void> VolumeFilesystem::mknod(const std::string& path, mode_t mode, dev_t device) {
  forget_looked_up();
  ENFOLD_TRY_ASSIGN(const Walk at, walk(path));
  return made(tree().make_node(at.parent, at.name, mode, device, caller()));
}

Result<void> VolumeFilesystem::symlink(const std::string& target, const std::string& path) {
  if (target.empty()) return system_error(ENOENT, "symlink");
  forget_looked_up();
  ENFOLD_TRY_ASSIGN(const Walk at, walk(path));
  return made(tree().make_symlink(at.parent, at.name, target, caller()));
}

Result<void> VolumeFilesystem::link(const std::string& from, const std::string& to) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, inode_at(from));
  ENFOLD_TRY_ASSIGN(const Walk at, walk(to));
  if (at.found) return system_error(EEXIST, "link");
  return made(tree().link(inode, at.parent, at.name));
}

Result<void> VolumeFilesystem::unlink(const std::string& path) {
  forget_looked_up();
  ENFOLD_TRY_ASSIGN(const Walk at, walk(path));
  return tree().unlink(at.parent, at.name);
}

Result<void> VolumeFilesystem::rmdir(const std::string& path) {
  forget_looked_up();
  ENFOLD_TRY_ASSIGN(const Walk at, walk(path));
  return tree().remove_directory(at.parent, at.name);
}

Result<void> VolumeFilesystem::rename(const std::string& from, const std::string& to, unsigned flags) {
  if ((flags & RENAME_EXCHANGE) != 0 && (flags & RENAME_NOREPLACE) != 0)
    return system_error(EINVAL, "rename");
  forget_looked_up();
  ENFOLD_TRY_ASSIGN(const Walk source, walk(from));
  ENFOLD_TRY_ASSIGN(const Walk target, walk(to));
  // The kernel compares the places before it asks anybody.
  const bool reaches_the_volume = !source.found || flags == RENAME_EXCHANGE || (flags != 0 && target.found);
  if (!reaches_the_volume && to.starts_with(from + "/")) return system_error(EINVAL, "rename");
  if (!reaches_the_volume && from.starts_with(to + "/")) return system_error(ENOTEMPTY, "rename");
  return tree().rename(source.parent, source.name, target.parent, target.name, flags);
}

Result<std::string> VolumeFilesystem::readlink(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, inode_at(path));
  return tree().read_link(inode);
}

Result<std::map<std::string, mode_t>> VolumeFilesystem::list(const std::string& path) {
  ENFOLD_TRY_ASSIGN(const InodeNumber inode, inode_at(path, true));
  ENFOLD_TRY_ASSIGN(const std::unique_ptr<DirectoryHandle> handle, tree().open_directory(inode));
  ENFOLD_TRY_ASSIGN(const std::vector<DirectoryEntry>* entries, handle->entries(true));
  std::map<std::string, mode_t> names;
  for (const DirectoryEntry& entry : *entries) {
    ENFOLD_TRY_ASSIGN(const mode_t type,
                      entry.type != 0 ? Result<mode_t>(entry.type) : handle->type_of(entry));
    EXPECT_TRUE(names.emplace(entry.name, type).second) << "listed twice";
  }
  return names;
}

Result<VolumeFilesystem::OpenFile*> VolumeFilesystem::opened(Slot slot) {
  forget_looked_up();
  const auto found = open_.find(slot);
  if (found == open_.end()) return system_error(EBADF, "slot");
  return &found->second;
}

// mode: O_RDONLY or O_WRONLY, which the file must have been opened for.
Result<FileHandle*> VolumeFilesystem::opened_for(Slot slot, int mode) {
  ENFOLD_TRY_ASSIGN(const OpenFile* file, opened(slot));
  if (mode == O_WRONLY ? !writes(file->flags) : !reads(file->flags)) return system_error(EBADF, "slot");
  if (!file->file) return system_error(EISDIR, "slot");
  return file->file.get();
}

Result<void> VolumeFilesystem::create(Slot slot, const Walk& at, int flags, mode_t mode) {
  ENFOLD_TRY_ASSIGN(Volume::Created created, tree().create(at.parent, at.name, mode & 07777, caller()));
  open_[slot] = {created.entry.inode, flags, std::move(created.handle), nullptr};
  return {};
}

// What the kernel refuses by itself.
Result<void> VolumeFilesystem::check_open(const Walk& at, int flags) {
  if (!at.found) return (flags & O_CREAT) != 0 ? Result<void>{} : system_error(ENOENT, "open");
  if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return system_error(EEXIST, "open");
  const mode_t kind = type(*at.found);
  if (kind == S_IFLNK) return system_error(ELOOP, "open");
  if (kind == S_IFDIR && (writes(flags) || (flags & O_CREAT) != 0)) return system_error(EISDIR, "open");
  if (kind != S_IFDIR && (flags & O_DIRECTORY) != 0) return system_error(ENOTDIR, "open");
  return {};
}

Result<void> VolumeFilesystem::open(Slot slot, const std::string& path, int flags, mode_t mode) {
  forget_looked_up();
  const bool exclusive = (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0;
  ENFOLD_TRY_ASSIGN(const Walk at, walk(path, !exclusive && (flags & O_NOFOLLOW) == 0));
  ENFOLD_TRY(check_open(at, flags));
  if (!at.found) return create(slot, at, flags, mode);
  OpenFile file{*at.found, flags, nullptr, nullptr};
  if (type(*at.found) == S_IFDIR) {
    ENFOLD_TRY_ASSIGN(file.directory, tree().open_directory(*at.found));
  } else {
    ENFOLD_TRY_ASSIGN(file.file, tree().open_file(*at.found, flags & O_ACCMODE));
    if ((flags & O_TRUNC) != 0) ENFOLD_TRY(file.file->body().resize(0));
  }
  // The file keeps one of the lookups that the walk made.
  const auto lookup = std::ranges::find(looked_up_, *at.found);
  if (lookup != looked_up_.end()) looked_up_.erase(lookup);
  open_[slot] = std::move(file);
  return {};
}

Result<void> VolumeFilesystem::close(Slot slot) {
  ENFOLD_TRY_ASSIGN(OpenFile * file, opened(slot));
  Result<void> closed;
  if (file->file) {
    closed = file->file->flush();
    const Result<void> released = file->file->release();
    if (closed) closed = released;
  }
  const InodeNumber inode = file->inode;
  open_.erase(slot);
  if (inode != kRootInode) tree().forget(inode, 1);
  return closed;
}

Result<std::string> VolumeFilesystem::read(Slot slot, std::uint64_t offset, std::size_t size) {
  ENFOLD_TRY_ASSIGN(FileHandle * file, opened_for(slot, O_RDONLY));
  std::string data(size, '\0');
  ENFOLD_TRY_ASSIGN(const std::size_t got,
                    file->read(offset, {reinterpret_cast<std::uint8_t*>(data.data()), data.size()}));
  data.resize(got);
  return data;
}

Result<void> VolumeFilesystem::write(Slot slot, std::uint64_t offset, std::string_view data) {
  ENFOLD_TRY_ASSIGN(FileHandle * file, opened_for(slot, O_WRONLY));
  if ((open_[slot].flags & O_APPEND) != 0) {
    ENFOLD_TRY_ASSIGN(const struct stat status, tree().attributes(open_[slot].inode));
    offset = static_cast<std::uint64_t>(status.st_size);
  }
  if (data.empty()) return {};
  return file->write(offset, as_bytes(data));
}

Result<void> VolumeFilesystem::allocate(Slot slot, int mode, std::uint64_t offset, std::uint64_t length) {
  if (length == 0) return system_error(EINVAL, "fallocate");
  ENFOLD_TRY_ASSIGN(FileHandle * file, opened_for(slot, O_WRONLY));
  return file->allocate(mode, offset, length);
}

Result<std::uint64_t> VolumeFilesystem::seek(Slot slot, std::uint64_t offset, int whence) {
  ENFOLD_TRY_ASSIGN(const OpenFile* file, opened(slot));
  return file->file->seek(offset, whence);
}

Result<void> VolumeFilesystem::sync(Slot slot) {
  ENFOLD_TRY_ASSIGN(const OpenFile* file, opened(slot));
  return file->file ? file->file->sync(false) : file->directory->sync();
}

Result<void> VolumeFilesystem::copy(Slot from, std::uint64_t from_offset, Slot to, std::uint64_t to_offset,
                                    std::size_t size) {
  ENFOLD_TRY_ASSIGN(const OpenFile* target, opened(to));
  if ((target->flags & O_APPEND) != 0 || (target->flags & O_ACCMODE) == O_RDONLY)
    return system_error(EBADF, "copy");
  ENFOLD_TRY_ASSIGN(const std::string data, read(from, from_offset, size));
  return write(to, to_offset, data);
}

}  // namespace enfold
