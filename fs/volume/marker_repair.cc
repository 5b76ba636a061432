#include "fs/volume/marker_repair.h"

#include <cerrno>
#include <shared_mutex>

#include "fs/format/marker.h"
#include "fs/volume/lent_mode.h"
#include "fs/volume/lower_files.h"
#include "kms/base/log.h"

namespace enfold {

Result<bool> MarkerRepair::is_lost(const InodePtr& directory) {
  {
    const std::shared_lock names(places_.names());
    ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.directory(directory));
    auto lost = is_marker_lost(context_.files, dir->get());
    if (lost || !has_errno(lost.error(), EACCES)) return lost;
  }
  const std::unique_lock names(places_.names());
  ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.directory(directory));
  const LentMode lent(context_.files, dir->get(), S_IRWXU);
  return is_marker_lost(context_.files, dir->get());
}

Result<MarkerHint> MarkerRepair::find_hint(const InodePtr& directory) {
  ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.resolve(directory));
  auto hint = find_marker_hint(context_, dir->get());
  if (hint || !has_errno(hint.error(), EACCES)) return hint;
  const std::unique_lock names(places_.names());
  const LentMode lent(context_.files, dir->get(), S_IRWXU);
  return find_marker_hint(context_, dir->get());
}

Result<void> MarkerRepair::write(const InodePtr& directory, const Marker& marker) {
  Files& files = context_.files;
  const auto bytes = encode_marker(marker, context_.keys.marker_mac());
  {
    const std::unique_lock names(places_.names());
    ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.directory(directory));
    const LentMode lent(files, dir->get(), S_IRWXU);
    const std::string name(kMarkerName);
    auto fd = files.open_at(dir->get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (!fd && has_errno(fd.error(), EEXIST)) fd = open_regular(files, dir->get(), name, O_WRONLY);
    if (!fd) return std::unexpected(std::move(fd).error());
    ENFOLD_TRY(write_full(files, fd->get(), bytes, 0));
    ENFOLD_TRY(files.truncate(fd->get(), bytes.size()));
    unsynced_.rewritten_marker(directory->lower);
  }
  directory->set_directory_id(marker.directory);
  ++count_;
  log_warning("marker of lower directory " + places_.lower_path(directory) + " was restored");
  return durable_first_.path_to(directory);
}

Result<std::optional<DirectoryId>> MarkerRepair::restore(const InodePtr& directory,
                                                         const DirectoryId& parent) {
  const std::lock_guard one(one_);
  if (const auto known = directory->directory_id()) return known;
  ENFOLD_TRY_ASSIGN(const bool lost, is_lost(directory));
  if (!lost) return std::nullopt;
  ENFOLD_TRY_ASSIGN(const MarkerHint hint, find_hint(directory));
  if (!hint.directory && hint.has_entries) {
    if (directory->number == kRootInode) return std::nullopt;  // it cannot go
    ENFOLD_TRY(set_aside_.directory(directory));
    return system_error(ENOENT, "directory was set aside by recovery");
  }
  const DirectoryId id = hint.directory ? *hint.directory : DirectoryId::random(context_.entropy);
  if (context_.read_only)
    directory->set_directory_id(id);
  else
    ENFOLD_TRY(write(directory, {context_.keys.volume(), id, parent}));
  return id;
}

// With the marker that is there: a directory without entries, or in which at least one name decrypts.
Result<bool> MarkerRepair::opens_its_entries(const InodePtr& directory) {
  ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.resolve(directory));
  auto bytes = read_regular(context_.files, dir->get(), std::string(kMarkerName), kMarkerBytes);
  if (!bytes && bytes.error().code == Errc::kSystem && !has_errno(bytes.error(), ENOENT))
    return std::unexpected(std::move(bytes).error());
  if (!bytes) return false;
  const auto marker = decode_marker(*bytes, context_.keys.volume(), context_.keys.marker_mac());
  if (!marker) return false;
  return opens_entries(context_, dir->get(), marker->directory);
}

Result<bool> MarkerRepair::repair(const InodePtr& directory, const DirectoryId& parent) {
  const std::lock_guard one(one_);
  ENFOLD_TRY_ASSIGN(const bool is_right, opens_its_entries(directory));
  if (is_right) return false;
  ENFOLD_TRY_ASSIGN(const MarkerHint hint, find_hint(directory));
  if (!hint.directory && hint.has_entries)
    return make_error(Errc::kNotFound,
                      "nothing in the directory tells its id: restore its enfold.dir from a backup");
  const DirectoryId id = hint.directory ? *hint.directory : DirectoryId::random(context_.entropy);
  ENFOLD_TRY(write(directory, {context_.keys.volume(), id, parent}));
  return true;
}

}  // namespace enfold
