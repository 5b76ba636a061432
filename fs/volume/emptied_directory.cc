#include "fs/volume/emptied_directory.h"

#include <cerrno>

#include "fs/format/marker.h"
#include "fs/format/names.h"
#include "fs/volume/kept_metadata.h"
#include "fs/volume/lower_files.h"
#include "fs/volume/places.h"
#include "kms/base/log.h"

namespace enfold {
namespace {

bool is_ours_alone(const LowerEntry& entry) {
  return entry.name == kMarkerName || classify_lower_name(entry.name) == LowerNameKind::kSidecar;
}

Result<std::vector<LowerEntry>> list_empty(Files& files, int dir) {
  ENFOLD_TRY_ASSIGN(const Fd listable, reopen_quietly(files, dir, O_RDONLY | O_DIRECTORY));
  ENFOLD_TRY_ASSIGN(std::vector<LowerEntry> entries, files.list(listable.get()));
  for (const LowerEntry& entry : entries)
    if (!is_ours_alone(entry)) return system_error(ENOTEMPTY, "lower directory has entries");
  return entries;
}

}  // namespace

Result<void> require_empty(Files& files, int dir) {
  auto entries = list_empty(files, dir);
  if (!entries && has_errno(entries.error(), ENOTEMPTY)) return std::unexpected(std::move(entries).error());
  return {};  // what else is wrong shows when it is removed
}

Result<EmptiedDirectory> EmptiedDirectory::take(VolumeContext& context, SharedFd dir) {
  EmptiedDirectory taken(context, std::move(dir));
  ENFOLD_TRY(taken.lend_mode());
  if (auto emptied = taken.empty(); !emptied) {
    taken.put_back();
    return std::unexpected(std::move(emptied).error());
  }
  return taken;
}

// rmdir(2) asks for no right on the directory itself; taking its marker out does.
Result<void> EmptiedDirectory::lend_mode() {
  ENFOLD_TRY_ASSIGN(before_, context_->files.stat_at(dir_->get(), ""));
  if (!can_lend(before_, S_IRWXU)) return {};
  ENFOLD_TRY(context_->files.set_mode(dir_->get(), (before_.stx_mode & 07777U) | S_IRWXU));
  mode_lent_ = true;
  return {};
}

// Also of one that is gone: who has it open sees its mode and its modification time, which a removal leaves
// alone.
void EmptiedDirectory::restore() {
  Files& files = context_->files;
  const auto log_failure = [](const char* what, const Result<void>& restored) {
    if (!restored) log_error(std::string(what) + " of an emptied directory: " + describe(restored.error()));
  };
  if (time_moved_) log_failure("modification time", restore_modification_time(files, dir_->get(), before_));
  if (mode_lent_) log_failure("mode", files.set_mode(dir_->get(), before_.stx_mode & 07777U));
}

Result<void> EmptiedDirectory::require_regular(const std::vector<LowerEntry>& entries) {
  for (const LowerEntry& entry : entries) {
    ENFOLD_TRY_ASSIGN(const StatX lower, context_->files.stat_at(dir_->get(), entry.name));
    if (!S_ISREG(lower.stx_mode)) return system_error(ENOTEMPTY, "lower directory has foreign entries");
  }
  return {};
}

Result<void> EmptiedDirectory::empty() {
  ENFOLD_TRY_ASSIGN(const std::vector<LowerEntry> entries, list_empty(context_->files, dir_->get()));
  ENFOLD_TRY(require_regular(entries));
  // A damaged marker of another size does not come back: the directory was of no use before either.
  auto marker = read_regular(context_->files, dir_->get(), std::string(kMarkerName), kMarkerBytes);
  const bool is_known = marker || marker.error().code == Errc::kDamaged || has_errno(marker.error(), ENOENT);
  if (!is_known) return std::unexpected(std::move(marker).error());
  for (const LowerEntry& entry : entries) {
    ENFOLD_TRY(context_->files.unlink_at(dir_->get(), entry.name, 0));
    time_moved_ = true;
    if (entry.name == kMarkerName && marker) marker_ = std::move(*marker);
  }
  return {};
}

// Where it does not come back, the next mount's recovery makes another.
void EmptiedDirectory::put_back() {
  if (auto written = put_back_marker(); !written) {
    log_error("marker of a directory that could not be removed: " + describe(written.error()));
    context_->epochs.sync_failed(written.error());
  }
  restore();
}

Result<void> EmptiedDirectory::put_back_marker() {
  if (marker_.empty()) return {};
  Files& files = context_->files;
  const std::string name(kMarkerName);
  auto fd = files.open_at(dir_->get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (!fd && has_errno(fd.error(), EEXIST)) return {};  // it was not taken out yet
  if (!fd) return std::unexpected(std::move(fd).error());
  return write_full(files, fd->get(), marker_, 0);
}

}  // namespace enfold
