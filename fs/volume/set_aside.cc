#include "fs/volume/set_aside.h"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <shared_mutex>

#include "fs/format/length.h"
#include "fs/format/names.h"
#include "fs/format/special.h"
#include "fs/volume/lent_mode.h"
#include "fs/volume/lower_files.h"
#include "kms/base/log.h"

namespace enfold {
namespace {

constexpr std::size_t kMinSidecarBytes = 192;  // of the shortest name that has one
constexpr std::size_t kMaxNumberedNameBytes = 230;

bool has_zero_page(ByteSpan content) {
  for (std::size_t start = 0; start < content.size(); start += kPageBytes)
    if (all_zero(content.subspan(start, std::min<std::size_t>(kPageBytes, content.size() - start))))
      return true;
  return false;
}

Result<std::string> free_name(Files& files, int dir, const std::string& name) {
  for (int number = 0;; ++number) {
    std::string tried =
        number == 0 ? name : name.substr(0, kMaxNumberedNameBytes) + "." + std::to_string(number);
    auto taken = files.stat_at(dir, tried);
    if (!taken && has_errno(taken.error(), ENOENT)) return tried;
    if (!taken) return std::unexpected(std::move(taken).error());
  }
}

}  // namespace

Result<bool> is_sidecar_lost(Files& files, int dir, const std::string& lower_name) {
  auto bytes = read_regular(files, dir, sidecar_of(lower_name), kMaxSidecarBytes);
  if (!bytes && has_errno(bytes.error(), ENOENT)) return true;
  if (!bytes && bytes.error().code == Errc::kDamaged) return false;
  if (!bytes) return std::unexpected(std::move(bytes).error());
  return bytes->size() < kMinSidecarBytes || all_zero(*bytes);
}

Result<bool> SetAside::entry(const Link& link) { return check(link, true); }

Result<bool> SetAside::content(const Link& link) { return check(link, false); }

// Most are whole, and for these the lock is shared.
Result<bool> SetAside::check(const Link& link, bool with_sidecar) {
  {
    const std::shared_lock names(places_.names());
    ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.directory(link.parent));
    auto why = reason(link, dir->get(), with_sidecar);
    if (why && why->empty()) return false;
    if (!why && !has_errno(why.error(), EACCES)) return std::unexpected(std::move(why).error());
    if (why && context_.read_only) return true;
  }
  const std::unique_lock names(places_.names());
  ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.directory(link.parent));
  const LentMode lent_directory(context_.files, dir->get(), S_IRWXU);
  auto lower = context_.files.open_at(dir->get(), link.lower_name, O_PATH | O_NOFOLLOW, 0);
  if (!lower && has_errno(lower.error(), ENOENT)) return false;
  if (!lower) return std::unexpected(std::move(lower).error());
  const LentMode lent(context_.files, lower->get(), S_IRUSR);
  ENFOLD_TRY_ASSIGN(const std::string why, reason(link, dir->get(), with_sidecar));
  if (why.empty()) return false;
  if (!context_.read_only) ENFOLD_TRY(move(link, dir->get(), why));
  return true;
}

Result<std::string> SetAside::reason(const Link& link, int dir, bool with_sidecar) {
  auto lower = context_.files.stat_at(dir, link.lower_name);
  if (!lower && has_errno(lower.error(), ENOENT)) return std::string();
  if (!lower) return std::unexpected(std::move(lower).error());
  // Asked before its bytes are read: what is written and synced between the two is whole.
  if (unsynced_.contains(lower_id_of(*lower))) return std::string();
  const bool is_hashed = classify_lower_name(link.lower_name) == LowerNameKind::kHashed;
  if (with_sidecar && is_hashed) {
    ENFOLD_TRY_ASSIGN(const bool is_lost, is_sidecar_lost(context_.files, dir, link.lower_name));
    if (is_lost) return std::string("its long name is lost with its sidecar");
  }
  if (!S_ISREG(lower->stx_mode)) return std::string();
  return reason_in_content(dir, link.lower_name, *lower);
}

Result<std::string> SetAside::reason_in_content(int dir, const std::string& name, const StatX& lower) {
  const bool is_special = special_kind_of(lower.stx_size).has_value();
  if (!is_special && lower.stx_size < kPageBytes) return std::string("it is shorter than a header page");
  ENFOLD_TRY_ASSIGN(const Fd fd, open_regular(context_.files, dir, name, O_RDONLY));
  Bytes content(is_special ? kMaxSpecialBytes : kPageBytes);
  ENFOLD_TRY_ASSIGN(const std::size_t size, read_full(context_.files, fd.get(), content, 0));
  content.resize(size);
  if (!is_special) {
    if (all_zero(content)) return std::string("its header page is zero");
    const bool is_cut = lower.stx_size == kPageBytes && begins_like_special(content);
    return std::string(is_cut ? "it is a special object that was cut short" : "");
  }
  if (open_special(content, context_.keys)) return std::string();
  return std::string(has_zero_page(content) ? "it is a special object with a page of zeros" : "");
}

Result<SharedFd> SetAside::lost_directory() {
  const std::string name(kLostName);
  constexpr int kFlags = O_PATH | O_NOFOLLOW | O_DIRECTORY;
  ENFOLD_TRY_ASSIGN(const SharedFd root, places_.directory(table_.root()));
  auto lost = context_.files.open_at(root->get(), name, kFlags, 0);
  if (!lost && has_errno(lost.error(), ENOENT)) {
    ENFOLD_TRY(context_.files.make_directory_at(root->get(), name, 0700));
    lost = context_.files.open_at(root->get(), name, kFlags, 0);
  }
  if (!lost) return add_context(std::move(lost).error(), name);
  return share(std::move(*lost));
}

Result<void> SetAside::move(const Link& link, int dir, const std::string& why) {
  Files& files = context_.files;
  ENFOLD_TRY_ASSIGN(const SharedFd lost, lost_directory());
  ENFOLD_TRY_ASSIGN(const StatX lower, files.stat_at(dir, link.lower_name));
  const LowerId id = lower_id_of(lower);
  ENFOLD_TRY_ASSIGN(const SharedFd kept, open_identified(files, dir, link.lower_name, id));
  ENFOLD_TRY_ASSIGN(const std::string name, free_name(files, lost->get(), link.lower_name));
  // To move a directory is to write in it.
  const LentMode lent(files, kept->get(), S_ISDIR(lower.stx_mode) ? mode_t{S_IRWXU} : mode_t{0});
  ENFOLD_TRY(files.rename_at(dir, link.lower_name, lost->get(), name, 0));
  if (classify_lower_name(link.lower_name) == LowerNameKind::kHashed) {
    auto moved = files.rename_at(dir, sidecar_of(link.lower_name), lost->get(), sidecar_of(name), 0);
    if (!moved && !has_errno(moved.error(), ENOENT))
      log_warning("recovery: sidecar of " + link.lower_name + ": " + describe(moved.error()));
  }
  note_moved(lost->get(), name);
  unsynced_.unlinked(link.parent->lower, link.lower_name, id);
  if (const InodePtr inode = table_.find(id)) {
    table_.unlinked(inode, link, kept);
    if (inode->is_directory()) places_.drop_descriptor(*inode);
  }
  ++count_;
  log_warning("recovery: lower " + places_.lower_path(link.parent) + "/" + link.lower_name + " was lost (" +
              why + "), and is " + std::string(kLostName) + "/" + name + " now");
  return {};
}

// A pass over the tree may have been in enfold.lost already.
void SetAside::note_moved(int lost, const std::string& name) {
  auto lower = context_.files.stat_at(lost, "");
  if (!lower) return;
  const InodePtr directory = table_.remember(lower_id_of(*lower), {table_.root(), std::string(kLostName)});
  moved_.note({directory, name});
  places_.forget(directory->number, 1);
}

Result<void> SetAside::directory(const InodePtr& directory) {
  if (context_.read_only) return {};
  const std::unique_lock names(places_.names());
  const auto link = table_.place(*directory, 0).link;
  if (!link) return {};
  ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.directory(link->parent));
  const LentMode lent(context_.files, dir->get(), S_IRWXU);
  return move(*link, dir->get(), "a directory's marker, and nothing in it tells its id");
}

}  // namespace enfold
