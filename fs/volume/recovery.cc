#include "fs/volume/recovery.h"

#include <cerrno>
#include <shared_mutex>
#include <utility>

#include "fs/volume/lower_files.h"
#include "kms/base/log.h"

namespace enfold {
namespace {

// Removed since it was listed, or moved, and then visited again where that is needed.
bool is_gone(const Error& error) {
  return has_errno(error, ENOENT) || has_errno(error, ESTALE) || has_errno(error, ENOTDIR);
}

// Bytes that do not verify will not do so later, and what others forbid us is theirs.
bool is_final(const Error& error) {
  return error.code == Errc::kDamaged || error.code == Errc::kUnsupported || has_errno(error, EACCES) ||
         has_errno(error, EPERM);
}

}  // namespace

Result<void> Recovery::before_lookup(const Spot& spot) {
  const Link link = spot.link();
  // Who knows the name has the sidecar; a listing gives lower names alone.
  const bool knows_name = spot.lower.is_hashed();
  auto lost = knows_name ? set_aside_.content(link) : set_aside_.entry(link);
  if (!lost && !is_gone(lost.error()))
    log_warning("recovery: " + spot.lower.name + ": " + describe(lost.error()));
  if (lost && *lost) return system_error(ENOENT, "lost in a crash");
  if (!knows_name || context_.read_only) return {};
  if (auto restored = restore_sidecar(spot); !restored)
    log_warning("recovery: sidecar of " + spot.lower.name + ": " + describe(restored.error()));
  return {};
}

Result<void> Recovery::restore_sidecar(const Spot& spot) {
  {
    const std::shared_lock names(places_.names());
    ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.directory(spot.directory));
    ENFOLD_TRY_ASSIGN(const bool is_lost, is_sidecar_lost(context_.files, dir->get(), spot.lower.name));
    if (!is_lost) return {};
  }
  const std::unique_lock names(places_.names());
  ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.directory(spot.directory));
  auto entry = context_.files.stat_at(dir->get(), spot.lower.name);
  if (!entry && has_errno(entry.error(), ENOENT)) return {};
  if (!entry) return std::unexpected(std::move(entry).error());
  ENFOLD_TRY(directories_.make_durable_sidecar(spot, dir->get()));
  log_warning("recovery: sidecar of " + spot.lower.name + " was restored");
  return {};
}

Result<void> Recovery::settle(const InodePtr& inode) {
  if (inode->is_regular()) return open_files_.settle(inode);
  if (!inode->is_directory()) return {};
  ENFOLD_TRY(directories_.id(inode));
  return {};
}

Result<void> Recovery::after_lookup(const InodePtr& inode) {
  auto settled = settle(inode);
  if (settled) return {};
  if (inode->is_directory() && has_errno(settled.error(), ENOENT)) return settled;
  log_warning("recovery: inode " + std::to_string(inode->number) + ", lower " + places_.lower_path(inode) +
              ": " + describe(settled.error()));
  return {};
}

void Recovery::leave_out_lost(const InodePtr& directory, std::vector<DirectoryEntry>& entries) {
  std::erase_if(entries, [&](const DirectoryEntry& entry) {
    if (entry.type == S_IFDIR) return false;
    return set_aside_.entry({directory, entry.lower_name}).value_or(false);
  });
}

void Recovery::moved(const LowerId& object, const Link& link) {
  if (object.type != S_IFDIR && object.type != S_IFREG) return;
  // Who moves a file looked it up first, which settled it unless that failed.
  const InodePtr known = object.type == S_IFREG ? table_.find(object) : nullptr;
  if (known && known->settled().done) return;
  const InodePtr inode = table_.remember(object, link);
  const std::lock_guard lock(moved_mutex_);
  moved_.push_back(inode);
}

std::vector<InodePtr> Recovery::take_moved() {
  const std::lock_guard lock(moved_mutex_);
  return std::exchange(moved_, {});
}

bool Recovery::run(const std::atomic<bool>& stop) {
  const std::lock_guard one(running_);
  if (context_.read_only) return false;
  complete_ = true;
  entries_ = 0;
  walk(table_.root(), stop);
  for (auto moved = take_moved(); !moved.empty(); moved = take_moved())
    for (const InodePtr& inode : moved) visit_again(inode, stop);
  const bool complete = complete_ && !stop;
  log_info("recovery: " + std::to_string(entries_) + " entries, " + std::to_string(markers_.count()) +
           " markers restored, " + std::to_string(set_aside_.count()) + " set aside in " +
           std::string(kLostName) + (complete ? "" : "; not finished"));
  return complete;
}

void Recovery::walk(const InodePtr& top, const std::atomic<bool>& stop) { walk_.run(top, *this, stop); }

void Recovery::visit_again(const InodePtr& moved, const std::atomic<bool>& stop) {
  if (moved->is_directory()) return walk(moved, stop);
  if (auto settled = settle(moved); !settled) note(settled.error(), moved, "");
  walk_.leave(moved);
}

bool Recovery::enter(const InodePtr& directory) {
  auto settled = settle(directory);
  if (settled) return true;
  note(settled.error(), directory, "");
  return !is_gone(settled.error());
}

bool Recovery::wants(const InodePtr& /*directory*/, const LowerEntry& entry) {
  const LowerNameKind kind = classify_lower_name(entry.name);
  return kind == LowerNameKind::kPlain || kind == LowerNameKind::kHashed;
}

void Recovery::not_listed(const Error& error, const InodePtr& directory) { note(error, directory, ""); }

void Recovery::object(const Link& link) {
  const InodePtr inode = find(link);
  if (!inode) return;
  if (!inode->is_directory())
    if (auto settled = settle(inode); !settled) note(settled.error(), link.parent, link.lower_name);
  walk_.leave(inode);
}

InodePtr Recovery::find(const Link& link) {
  ++entries_;
  auto lost = set_aside_.entry(link);
  if (!lost) note(lost.error(), link.parent, link.lower_name);
  if (lost && *lost) return nullptr;
  auto inode = walk_.find(link);
  if (inode) return *inode;
  note(inode.error(), link.parent, link.lower_name);
  return nullptr;
}

void Recovery::note(const Error& error, const InodePtr& directory, const std::string& lower_name) {
  if (is_gone(error)) return;
  log_warning("recovery: lower " + places_.lower_path(directory) + "/" + lower_name + ": " + describe(error));
  if (!is_final(error)) complete_ = false;
}

}  // namespace enfold
