#include "fs/volume/marker_hints.h"

#include <cerrno>

#include "fs/format/header.h"
#include "fs/format/marker.h"
#include "fs/format/names.h"
#include "fs/volume/lower_files.h"

namespace enfold {
namespace {

using Hint = std::optional<DirectoryId>;

// What does not verify, or is gone, gives no hint; what cannot be read may have one.
template <class T>
Result<std::optional<T>> if_verified(Result<T> read) {
  if (read) return std::optional<T>(std::move(*read));
  if (read.error().code != Errc::kSystem || has_errno(read.error(), ENOENT)) return std::optional<T>();
  return std::unexpected(std::move(read).error());
}

Result<DirectoryId> parent_of_directory(VolumeContext& context, int dir, const std::string& name) {
  ENFOLD_TRY_ASSIGN(const Fd child, context.files.open_at(dir, name, O_PATH | O_NOFOLLOW | O_DIRECTORY, 0));
  ENFOLD_TRY_ASSIGN(const Bytes bytes,
                    read_regular(context.files, child.get(), std::string(kMarkerName), kMarkerBytes));
  ENFOLD_TRY_ASSIGN(const Marker marker,
                    decode_marker(bytes, context.keys.volume(), context.keys.marker_mac()));
  return marker.parent;
}

Result<DirectoryId> parent_of_file(VolumeContext& context, int dir, const std::string& name) {
  ENFOLD_TRY_ASSIGN(const Fd fd, open_regular(context.files, dir, name, O_RDONLY));
  HeaderPage page{};
  ENFOLD_TRY_ASSIGN(const std::size_t size, read_full(context.files, fd.get(), page, 0));
  if (size < page.size()) return make_error(Errc::kDamaged, "the header page is cut short");
  ENFOLD_TRY_ASSIGN(const Header header, decode_header(page, context.keys));
  return header.state.parent;
}

Result<DirectoryId> parent_of(VolumeContext& context, int dir, const std::string& name) {
  ENFOLD_TRY_ASSIGN(const StatX lower, context.files.stat_at(dir, name));
  if (S_ISDIR(lower.stx_mode)) return parent_of_directory(context, dir, name);
  if (S_ISREG(lower.stx_mode)) return parent_of_file(context, dir, name);
  return make_error(Errc::kDamaged, "not made by this volume");
}

Result<std::string> decrypt(VolumeContext& context, int dir, const std::string& name, const DirectoryId& id) {
  if (classify_lower_name(name) == LowerNameKind::kPlain) return decrypt_name(context.keys.names(), id, name);
  ENFOLD_TRY_ASSIGN(const Bytes sidecar,
                    read_regular(context.files, dir, sidecar_of(name), kMaxSidecarBytes));
  return decrypt_hashed_name(context.keys.names(), id, name, sidecar);
}

// An entry that was moved here without its hint names another directory, under which its name does not
// decrypt.
Result<Hint> hint_of(VolumeContext& context, int dir, const std::string& name) {
  ENFOLD_TRY_ASSIGN(const Hint parent, if_verified(parent_of(context, dir, name)));
  if (!parent) return Hint();
  ENFOLD_TRY_ASSIGN(const auto plain, if_verified(decrypt(context, dir, name, *parent)));
  return plain ? parent : Hint();
}

Result<std::vector<std::string>> entries_of(Files& files, int dir) {
  ENFOLD_TRY_ASSIGN(const Fd listable, files.reopen(dir, O_RDONLY | O_DIRECTORY));
  ENFOLD_TRY_ASSIGN(const std::vector<LowerEntry> all, files.list(listable.get()));
  std::vector<std::string> names;
  for (const LowerEntry& entry : all) {
    const LowerNameKind kind = classify_lower_name(entry.name);
    if (kind == LowerNameKind::kPlain || kind == LowerNameKind::kHashed) names.push_back(entry.name);
  }
  return names;
}

}  // namespace

Result<MarkerHint> find_marker_hint(VolumeContext& context, int dir) {
  ENFOLD_TRY_ASSIGN(const std::vector<std::string> names, entries_of(context.files, dir));
  MarkerHint found;
  found.has_entries = !names.empty();
  std::optional<Error> unread;
  for (const std::string& name : names) {
    auto hint = hint_of(context, dir, name);
    if (!hint) unread = hint.error();
    if (!hint || !*hint) continue;
    found.directory = *hint;
    return found;
  }
  if (unread) return std::unexpected(std::move(*unread));
  return found;
}

Result<bool> opens_entries(VolumeContext& context, int dir, const DirectoryId& id) {
  ENFOLD_TRY_ASSIGN(const std::vector<std::string> names, entries_of(context.files, dir));
  for (const std::string& name : names) {
    ENFOLD_TRY_ASSIGN(const auto plain, if_verified(decrypt(context, dir, name, id)));
    if (plain) return true;
  }
  return names.empty();
}

Result<bool> is_marker_lost(Files& files, int dir) {
  auto bytes = read_regular(files, dir, std::string(kMarkerName), kMarkerBytes);
  if (!bytes && has_errno(bytes.error(), ENOENT)) return true;
  if (!bytes && bytes.error().code == Errc::kDamaged) return false;
  if (!bytes) return std::unexpected(std::move(bytes).error());
  return bytes->size() < kMarkerBytes || all_zero(*bytes);
}

}  // namespace enfold
