#include "fs/volume/durable_first.h"

#include <cerrno>
#include <mutex>
#include <shared_mutex>

#include "fs/format/marker.h"
#include "fs/volume/lower_files.h"

namespace enfold {
namespace {

bool is_gone(const Error& error) {
  return has_errno(error, ENOENT) || has_errno(error, ENOTDIR) || has_errno(error, ESTALE);
}

}  // namespace

Result<void> DurableFirst::require_no_failure() const {
  if (auto failure = context_.epochs.sync_failure())
    return add_context(std::move(*failure), "an earlier sync failed, and what it was to write may be lost");
  return {};
}

Result<void> DurableFirst::sync(int fd) {
  ENFOLD_TRY(require_no_failure());
  auto synced = context_.files.sync(fd);
  // EINVAL: it cannot be synced at all, and nothing was lost on the way.
  if (!synced && !has_errno(synced.error(), EINVAL)) context_.epochs.sync_failed(synced.error());
  return synced;
}

Result<void> DurableFirst::everything() {
  ENFOLD_TRY(require_no_failure());
  ENFOLD_TRY_ASSIGN(const SharedFd root, places_.resolve(table_.root()));
  const Unsynced::Mark mark = unsynced_.mark();
  auto synced = context_.files.sync_filesystem(root->get());
  if (!synced) {
    context_.epochs.sync_failed(synced.error());
    return synced;
  }
  unsynced_.synced_all(mark);
  return {};
}

// Only what is neither gone nor kept from us by its mode; the caller does something else about those.
Result<void> DurableFirst::small_file(int dir, const std::string& name) {
  ENFOLD_TRY_ASSIGN(const Fd fd, open_regular(context_.files, dir, name, O_RDONLY));
  return sync(fd.get());
}

Result<void> DurableFirst::marker(const InodePtr& directory) {
  if (!unsynced_.contains(directory->lower)) return {};
  ENFOLD_TRY(require_no_failure());
  const Unsynced::Mark mark = unsynced_.mark();
  auto synced = [&]() -> Result<void> {
    ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.resolve(directory));
    return small_file(dir->get(), std::string(kMarkerName));
  }();
  if (!synced && has_errno(synced.error(), EACCES)) return everything();
  if (!synced && !is_gone(synced.error())) return synced;  // without it there is nothing to wait for
  if (synced) unsynced_.synced(directory->lower, mark);
  return {};
}

// The links may change meanwhile: whoever moves one of these directories syncs the path to its new place
// first.
Result<void> DurableFirst::path_to(const InodePtr& directory) {
  if (unsynced_.empty()) return {};
  for (InodePtr at = directory; at;) {
    ENFOLD_TRY(marker(at));
    ENFOLD_TRY(sidecars(at));
    const auto link = table_.place(*at, 0).link;
    at = link ? link->parent : nullptr;
  }
  return {};
}

Result<void> DurableFirst::sidecar(const InodePtr& directory, int dir, const std::string& lower_name) {
  if (classify_lower_name(lower_name) != LowerNameKind::kHashed) return {};
  const std::string name = sidecar_of(lower_name);
  if (!unsynced_.contains_sidecar(directory->lower, name)) return {};
  ENFOLD_TRY(require_no_failure());
  const Unsynced::Mark mark = unsynced_.mark();
  auto synced = small_file(dir, name);
  if (!synced && !is_gone(synced.error())) return synced;
  unsynced_.synced_sidecar(directory->lower, name, mark);
  return {};
}

Result<void> DurableFirst::sidecars(const InodePtr& inode) {
  if (unsynced_.empty()) return {};
  for (std::size_t index = 0;; ++index) {
    const auto link = table_.place(*inode, index).link;
    if (!link) return {};
    if (!unsynced_.contains_sidecar(link->parent->lower, sidecar_of(link->lower_name))) continue;
    auto dir = places_.resolve(link->parent);
    if (!dir && is_gone(dir.error())) continue;
    if (!dir) return std::unexpected(std::move(dir).error());
    ENFOLD_TRY(sidecar(link->parent, (*dir)->get(), link->lower_name));
  }
}

Result<void> DurableFirst::file(const InodePtr& inode, Unsynced::Mark mark) {
  if (unsynced_.empty()) return {};
  // A sync of its directory may have failed on it.
  if (unsynced_.contains(inode->lower)) ENFOLD_TRY(require_no_failure());
  unsynced_.synced(inode->lower, mark);
  ENFOLD_TRY(sidecars(inode));
  for (std::size_t index = 0;; ++index) {
    const auto link = table_.place(*inode, index).link;
    if (!link) return {};
    ENFOLD_TRY(path_to(link->parent));
  }
}

Result<void> DurableFirst::special(const LowerId& object, int fd) {
  if (!unsynced_.contains(object)) return {};
  ENFOLD_TRY(require_no_failure());
  const Unsynced::Mark mark = unsynced_.mark();
  auto readable = context_.files.reopen(fd, O_RDONLY);
  if (!readable && has_errno(readable.error(), EACCES)) return everything();
  if (!readable) return std::unexpected(std::move(readable).error());
  ENFOLD_TRY(sync(readable->get()));
  unsynced_.synced(object, mark);
  return {};
}

Result<void> DurableFirst::object(int dir, const std::string& lower_name, const LowerId& object) {
  const Unsynced::Mark mark = unsynced_.mark();
  auto found = open_identified(context_.files, dir, lower_name, object);
  if (!found && is_gone(found.error())) return {};  // it has another name now, or none
  if (!found) return std::unexpected(std::move(found).error());
  if (object.type == S_IFDIR) {
    ENFOLD_TRY(small_file((*found)->get(), std::string(kMarkerName)));
  } else {
    ENFOLD_TRY_ASSIGN(const Fd readable, context_.files.reopen((*found)->get(), O_RDONLY));
    ENFOLD_TRY(sync(readable.get()));
  }
  unsynced_.synced(object, mark);
  return {};
}

Result<void> DurableFirst::listed(const InodePtr& directory, int dir, const Unsynced::Waiting& waiting) {
  for (const auto& [name, its_object] : waiting.objects) {
    auto synced = object(dir, name, its_object);
    if (!synced && has_errno(synced.error(), EACCES)) return everything();
    if (!synced && !is_gone(synced.error())) return synced;
  }
  for (const std::string& name : waiting.sidecars) {
    const Unsynced::Mark mark = unsynced_.mark();
    auto synced = small_file(dir, name);
    if (!synced && !is_gone(synced.error())) return synced;
    unsynced_.synced_sidecar(directory->lower, name, mark);
  }
  return {};
}

Result<void> DurableFirst::directory(const InodePtr& directory) {
  ENFOLD_TRY(require_no_failure());
  ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.resolve(directory));
  const Unsynced::Waiting waiting = unsynced_.in_directory(directory->lower);
  if (waiting.too_many) return everything();
  ENFOLD_TRY(listed(directory, dir->get(), waiting));
  ENFOLD_TRY(path_to(directory));
  auto listable = context_.files.reopen(dir->get(), O_RDONLY | O_DIRECTORY);
  if (!listable && has_errno(listable.error(), EACCES)) return everything();
  if (!listable) return std::unexpected(std::move(listable).error());
  return sync(listable->get());
}

}  // namespace enfold
