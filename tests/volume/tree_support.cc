#include "tests/volume/tree_support.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "fs/volume/directories.h"

namespace enfold {

namespace stdfs = std::filesystem;

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (stdfs::temp_directory_path() / "enfold-tree-XXXXXX").string();
  EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  for (const auto& entry : stdfs::recursive_directory_iterator(path_, ignored))
    if (entry.is_directory(ignored) && !entry.is_symlink(ignored))
      stdfs::permissions(entry.path(), stdfs::perms::owner_all, stdfs::perm_options::add, ignored);
  stdfs::remove_all(path_, ignored);
}

TreeWorld::TreeWorld(std::uint64_t salt) : entropy(format_test::test_seed() + salt) {
  const stdfs::path root = directory.path() / "lower";
  stdfs::create_directory(root);
  const Marker marker{keys.volume(), DirectoryId::random(entropy), {}};
  auto fd = files.open_at(AT_FDCWD, root, O_RDONLY | O_DIRECTORY, 0);
  EXPECT_TRUE(is_ok(write_new_marker(files, fd.value().get(), encode_marker(marker, keys.marker_mac()))));
  reopen_at(root);
}

void TreeWorld::reopen() { reopen_at(lower_root_); }

void TreeWorld::reopen_at(const stdfs::path& lower) {
  tree_.reset();
  lower_root_ = lower;
  auto fd = files.open_at(AT_FDCWD, lower, O_RDONLY | O_DIRECTORY, 0);
  ASSERT_TRUE(is_ok(fd));
  auto opened = Volume::open(context, std::move(*fd));
  ASSERT_TRUE(is_ok(opened));
  tree_ = std::move(*opened);
}

void TreeWorld::remount(bool after_crash) {
  tree_.reset();
  const std::uint64_t mount = epochs.mount_number();
  const CrashEpoch durable = after_crash ? epochs.durable() : CrashEpoch{mount + 1, 0};
  // In place, because the context refers to it.
  std::destroy_at(&epochs);
  std::construct_at(&epochs, CrashEpoch{mount + 1, 1}, durable, after_crash);
  reopen();
}

void TreeWorld::forget_sync_failure() {
  const CrashEpoch current = epochs.current();
  const CrashEpoch durable = epochs.durable();
  const bool recovering = epochs.recovering();
  std::destroy_at(&epochs);
  std::construct_at(&epochs, current, durable, recovering);
}

SplitPlainPath split_plain(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

InodeNumber TreeWorld::inode(const std::string& path) {
  if (path.empty()) return kRootInode;
  const SplitPlainPath split = split_plain(path);
  const InodeNumber parent = inode(split.parent);
  if (parent == 0) return 0;
  auto entry = tree().lookup(parent, split.name);
  return entry ? entry->inode : 0;
}

Result<struct stat> TreeWorld::status(const std::string& path) { return tree().attributes(inode(path)); }

LowerName TreeWorld::lower_name(const std::string& directory_path, std::string_view name) {
  const std::string marker = slurp(lower(directory_path) / kMarkerName);
  auto decoded = decode_marker(as_bytes(marker), keys.volume(), keys.marker_mac());
  EXPECT_TRUE(is_ok(decoded));
  return encrypt_name(keys.names(), decoded.value().directory, name);
}

stdfs::path TreeWorld::lower(const std::string& path) {
  if (path.empty()) return lower_root_;
  const SplitPlainPath split = split_plain(path);
  return lower(split.parent) / lower_name(split.parent, split.name).name;
}

Caller TreeWorld::caller() const { return {::geteuid(), ::getegid()}; }

InodeNumber TreeWorld::make_directory(const std::string& path, mode_t mode) {
  const SplitPlainPath split = split_plain(path);
  auto entry = tree().make_directory(inode(split.parent), split.name, mode, caller());
  EXPECT_TRUE(is_ok(entry)) << path;
  return entry ? entry->inode : 0;
}

InodeNumber TreeWorld::make_file(const std::string& path, std::string_view content, mode_t mode) {
  const SplitPlainPath split = split_plain(path);
  auto created = tree().create(inode(split.parent), split.name, mode, caller());
  EXPECT_TRUE(is_ok(created)) << path;
  if (!created) return 0;
  EXPECT_TRUE(is_ok(created->handle->write(0, as_bytes(content))));
  EXPECT_TRUE(is_ok(created->handle->flush()));
  EXPECT_TRUE(is_ok(created->handle->release()));
  return created->entry.inode;
}

InodeNumber TreeWorld::make_symlink(const std::string& path, std::string_view target) {
  const SplitPlainPath split = split_plain(path);
  auto entry = tree().make_symlink(inode(split.parent), split.name, target, caller());
  EXPECT_TRUE(is_ok(entry)) << path;
  return entry ? entry->inode : 0;
}

InodeNumber TreeWorld::make_node(const std::string& path, mode_t mode, dev_t device) {
  const SplitPlainPath split = split_plain(path);
  auto entry = tree().make_node(inode(split.parent), split.name, mode, device, caller());
  EXPECT_TRUE(is_ok(entry)) << path;
  return entry ? entry->inode : 0;
}

std::set<std::string> TreeWorld::names(const std::string& directory_path) {
  std::set<std::string> out;
  auto handle = tree().open_directory(inode(directory_path));
  EXPECT_TRUE(is_ok(handle));
  if (!handle) return out;
  auto entries = (*handle)->entries(true);
  EXPECT_TRUE(is_ok(entries));
  if (!entries) return out;
  for (const DirectoryEntry& entry : **entries) EXPECT_TRUE(out.insert(entry.name).second) << "listed twice";
  return out;
}

Result<std::string> read_inode(Volume& tree, InodeNumber inode) {
  ENFOLD_TRY_ASSIGN(const std::unique_ptr<FileHandle> handle, tree.open_file(inode, O_RDONLY));
  ENFOLD_TRY_ASSIGN(const struct stat status, tree.attributes(inode));
  std::string content(static_cast<std::size_t>(status.st_size) + 1, '\0');
  ENFOLD_TRY_ASSIGN(const std::size_t size,
                    handle->read(0, {reinterpret_cast<std::uint8_t*>(content.data()), content.size()}));
  content.resize(size);
  return content;
}

Result<std::string> TreeWorld::read(const std::string& path) { return read_inode(tree(), inode(path)); }

Result<void> TreeWorld::write(const std::string& path, std::string_view content) {
  ENFOLD_TRY_ASSIGN(const std::unique_ptr<FileHandle> handle, tree().open_file(inode(path), O_WRONLY));
  ENFOLD_TRY(handle->body().resize(0));
  ENFOLD_TRY(handle->write(0, as_bytes(content)));
  ENFOLD_TRY(handle->flush());
  return handle->release();
}

Result<void> TreeWorld::unlink(const std::string& path) {
  const SplitPlainPath split = split_plain(path);
  return tree().unlink(inode(split.parent), split.name);
}

Result<void> TreeWorld::remove_directory(const std::string& path) {
  const SplitPlainPath split = split_plain(path);
  return tree().remove_directory(inode(split.parent), split.name);
}

Result<void> TreeWorld::rename(const std::string& from, const std::string& to, unsigned flags) {
  const SplitPlainPath split_from = split_plain(from);
  const SplitPlainPath split_to = split_plain(to);
  return tree().rename(inode(split_from.parent), split_from.name, inode(split_to.parent), split_to.name,
                       flags);
}

std::string slurp(const stdfs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void spill(const stdfs::path& path, std::string_view content) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
}

}  // namespace enfold
