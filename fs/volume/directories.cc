#include "fs/volume/directories.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <shared_mutex>

#include "fs/volume/lent_mode.h"
#include "fs/volume/lower_files.h"
#include "kms/base/log.h"

namespace enfold {
namespace {

bool is_possible_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

void log_left_out(const Inode& directory, const std::string& lower_name, const std::string& why) {
  log_warning("directory inode " + std::to_string(directory.number) + ": left out " + lower_name + ": " +
              why);
}

// Not that a sidecar is missing, or not ours to read.
bool is_failed_call(const Error& error) {
  return error.code == Errc::kSystem && !has_errno(error, ENOENT) && !has_errno(error, EACCES);
}

bool is_gone(Files& files, int dir, const std::string& lower_name) {
  const auto lower = files.stat_at(dir, lower_name);
  return !lower && has_errno(lower.error(), ENOENT);
}

// 0 (unknown) where the directory may be listed but not searched.
Result<mode_t> type_below(Files& files, int dir, const std::string& lower_name) {
  auto lower = files.stat_at(dir, lower_name);
  if (!lower && has_errno(lower.error(), EACCES)) return mode_t{0};
  if (!lower) return std::unexpected(std::move(lower).error());
  const mode_t type = type_of(*lower);
  if (type == 0) return make_error(Errc::kDamaged, "neither a directory nor a regular file");
  return type;
}

// Without a look at each file, which would double the cost of a listing whose entries are looked up anyway.
Result<mode_t> listed_type(Files& files, int dir, const LowerEntry& entry) {
  switch (entry.type) {
    case DT_DIR:
      return mode_t{S_IFDIR};
    case DT_REG:
      return mode_t{0};
    case DT_UNKNOWN:
      return type_below(files, dir, entry.name);
    default:
      return make_error(Errc::kDamaged, "neither a directory nor a regular file");
  }
}

// FNV-1a of the lower name, which is as good as random. Of 30 bits, since 32-bit programs keep no more
// than 31.
std::uint64_t wanted_position(const DirectoryEntry& entry) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : entry.lower_name) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return kFirstPosition + (hash >> 34U);
}

// Two of one hash stand behind each other. Where the first of them comes or goes while a listing, that goes
// on in another handle, stands between them, the other one is seen twice or not at all. Of 100,000 entries
// five pairs are such.
void order_by_position(std::vector<DirectoryEntry>& entries) {
  for (DirectoryEntry& entry : entries) entry.position = wanted_position(entry);
  std::ranges::sort(entries, {}, [](const DirectoryEntry& entry) {
    return std::pair<std::uint64_t, std::string_view>(entry.position, entry.lower_name);
  });
  std::uint64_t last = 0;
  for (DirectoryEntry& entry : entries) last = entry.position = std::max(entry.position, last + 1);
}

}  // namespace

Result<DirectoryId> Directories::id(const InodePtr& directory) {
  if (!directory->is_directory()) return system_error(ENOTDIR, "lower object is not a directory");
  if (table_.is_removed(*directory)) return system_error(ENOENT, "directory was removed");
  if (const auto known = directory->directory_id()) return *known;
  auto marker = read_marker(directory);
  if (!marker && marker.error().code == Errc::kDamaged && context_.epochs.recovering()) {
    ENFOLD_TRY_ASSIGN(const auto restored, marker_repair_.restore(directory, parent_hint(directory)));
    if (restored) return *restored;
  }
  if (!marker)
    return add_context(std::move(marker).error(),
                       "marker of lower directory " + places_.lower_path(directory));
  directory->set_directory_id(marker->directory);
  return marker->directory;
}

// All zero where it is not known: nothing more than a hint hangs on it.
DirectoryId Directories::parent_hint(const InodePtr& directory) {
  const auto link = table_.place(*directory, 0).link;
  return link ? id(link->parent).value_or(DirectoryId{}) : DirectoryId{};
}

Result<bool> Directories::repair_marker(const InodePtr& directory) {
  if (!directory->is_directory()) return system_error(ENOTDIR, "lower object is not a directory");
  if (context_.read_only) return system_error(EROFS, "volume is read-only");
  return marker_repair_.repair(directory, parent_hint(directory));
}

Result<Marker> Directories::read_marker(const InodePtr& directory) {
  ENFOLD_TRY_ASSIGN(const Bytes bytes, read_marker_bytes(directory));
  return decode_marker(bytes, context_.keys.volume(), context_.keys.marker_mac());
}

Result<Bytes> Directories::read_marker_bytes(const InodePtr& directory) {
  const std::string name(kMarkerName);
  auto marker = [&]() -> Result<Bytes> {
    // The directory and its marker are made and removed together.
    const std::shared_lock lock(places_.names());
    if (table_.is_removed(*directory)) return system_error(ENOENT, "directory was removed");
    ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.directory(directory));
    auto bytes = read_regular(context_.files, dir->get(), name, kMarkerBytes);
    if (!bytes && has_errno(bytes.error(), ENOENT)) return make_error(Errc::kDamaged, "it is missing");
    return bytes;
  }();
  if (marker || !has_errno(marker.error(), EACCES)) return marker;
  // A directory that its owner may list but not search.
  const std::unique_lock lock(places_.names());
  ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.directory(directory));
  ENFOLD_TRY_ASSIGN(const StatX lower, context_.files.stat_at(dir->get(), ""));
  if (!can_lend(lower, S_IXUSR)) return marker;
  ENFOLD_TRY(context_.files.set_mode(dir->get(), (lower.stx_mode & 07777U) | S_IXUSR));
  marker = read_regular(context_.files, dir->get(), name, kMarkerBytes);
  ENFOLD_TRY(context_.files.set_mode(dir->get(), lower.stx_mode & 07777U));
  return marker;
}

Result<Spot> Directories::spot(const InodePtr& directory, std::string_view name) {
  if (name.size() > kMaxNameBytes) return system_error(ENAMETOOLONG, "name");
  if (!is_possible_name(name)) return make_error(Errc::kInvalidArgument, "no entry can have this name");
  ENFOLD_TRY_ASSIGN(const DirectoryId directory_id, id(directory));
  return Spot{directory, directory_id, encrypt_name(context_.keys.names(), directory_id, name)};
}

// Whoever opened the directory may list it whatever became of its mode, and needs no right to search it for
// long names.
Result<std::vector<DirectoryEntry>> Directories::list(const InodePtr& directory) {
  if (table_.is_removed(*directory)) return {};
  ENFOLD_TRY_ASSIGN(const DirectoryId directory_id, id(directory));
  ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.resolve(directory));
  auto listed = list_below(*directory, directory_id, dir->get(), Forbidden::kFails);
  if (listed || !has_errno(listed.error(), EACCES)) return listed;
  const std::unique_lock lock(places_.names());
  const LentMode lent(context_.files, dir->get(), S_IRUSR | S_IXUSR);
  return list_below(*directory, directory_id, dir->get(), Forbidden::kIsLeftOut);
}

Result<std::vector<DirectoryEntry>> Directories::list_below(const Inode& directory,
                                                            const DirectoryId& directory_id, int dir,
                                                            Forbidden forbidden) {
  std::vector<DirectoryEntry> shown;
  constexpr int kFlags = O_RDONLY | O_DIRECTORY;
  ENFOLD_TRY_ASSIGN(const Fd listable, context_.access_times != AccessTimes::kNever
                                           ? context_.files.reopen(dir, kFlags)
                                           : reopen_quietly(context_.files, dir, kFlags));
  ENFOLD_TRY_ASSIGN(const std::vector<LowerEntry> entries, context_.files.list(listable.get()));
  shown.reserve(entries.size());
  for (const LowerEntry& entry : entries) {
    ENFOLD_TRY_ASSIGN(auto one, show(directory, directory_id, dir, entry, forbidden));
    if (one) shown.push_back(std::move(*one));
  }
  order_by_position(shown);
  return shown;
}

// What is damaged is left out. What could not be read is an error: who copies or mirrors the directory would
// take a listing without it for the whole.
Result<std::optional<DirectoryEntry>> Directories::show(const Inode& directory,
                                                        const DirectoryId& directory_id, int dir,
                                                        const LowerEntry& entry, Forbidden forbidden) {
  const LowerNameKind kind = classify_lower_name(entry.name);
  if (kind == LowerNameKind::kOwn || kind == LowerNameKind::kSidecar) return std::nullopt;
  auto name = shown_name(directory_id, dir, entry);
  auto type = name ? listed_type(context_.files, dir, entry) : Result<mode_t>(0);
  if (!type && has_errno(type.error(), ENOENT)) return std::nullopt;  // removed meanwhile
  if (!name && is_gone(context_.files, dir, entry.name)) return std::nullopt;
  if (!name || !type) {
    const Error& error = name ? type.error() : name.error();
    if (is_failed_call(error) || (forbidden == Forbidden::kFails && has_errno(error, EACCES)))
      return std::unexpected(error);
    log_left_out(directory, entry.name, describe(error));
    return std::nullopt;
  }
  return DirectoryEntry{std::move(*name), entry.name, *type, entry.number, 0};
}

Result<std::string> Directories::shown_name(const DirectoryId& directory_id, int dir,
                                            const LowerEntry& entry) {
  const Siv& names = context_.keys.names();
  switch (classify_lower_name(entry.name)) {
    case LowerNameKind::kPlain:
      return decrypt_name(names, directory_id, entry.name);
    case LowerNameKind::kHashed: {
      ENFOLD_TRY_ASSIGN(const Bytes sidecar,
                        read_regular(context_.files, dir, sidecar_of(entry.name), kMaxSidecarBytes));
      return decrypt_hashed_name(names, directory_id, entry.name, sidecar);
    }
    default:
      return make_error(Errc::kDamaged, "not made by this volume");
  }
}

Result<std::string> Directories::plain_name(const Link& link) {
  ENFOLD_TRY_ASSIGN(const DirectoryId directory_id, id(link.parent));
  ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.resolve(link.parent));
  return shown_name(directory_id, dir->get(), LowerEntry{link.lower_name, 0, 0});
}

Result<mode_t> Directories::type_of(const InodePtr& directory, const DirectoryEntry& entry) {
  const std::shared_lock lock(places_.names());  // what is being made has no type yet
  ENFOLD_TRY_ASSIGN(const SharedFd dir, places_.directory(directory));
  return type_below(context_.files, dir->get(), entry.lower_name);
}

namespace {

// A file of the volume's own. A default ACL of the directory may deny it to its owner, who we are.
Result<Fd> make_own(Files& files, int dir, const std::string& name) {
  constexpr mode_t kMode = S_IRUSR | S_IWUSR;
  auto fd = files.open_at(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, kMode);
  if (!fd) return fd;
  ENFOLD_TRY_ASSIGN(const StatX made, files.stat_at(fd->get(), ""));
  if ((made.stx_mode & kMode) != kMode) ENFOLD_TRY(files.set_mode(fd->get(), kMode));
  return fd;
}

}  // namespace

Result<void> write_new_marker(Files& files, int dir, ByteSpan marker) {
  ENFOLD_TRY_ASSIGN(const Fd fd, make_own(files, dir, std::string(kMarkerName)));
  return write_full(files, fd.get(), marker, 0);
}

namespace {

Result<void> rewrite_parent(VolumeContext& context, FairSharedMutex& names, int dir,
                            const DirectoryId& parent) {
  const MacKey& key = context.keys.marker_mac();
  ENFOLD_TRY_ASSIGN(const Fd fd, open_regular(context.files, dir, std::string(kMarkerName), O_RDWR));
  Bytes bytes(kMarkerBytes + 1);
  ENFOLD_TRY_ASSIGN(const std::size_t size, read_full(context.files, fd.get(), bytes, 0));
  bytes.resize(size);
  ENFOLD_TRY_ASSIGN(Marker marker, decode_marker(bytes, context.keys.volume(), key));
  marker.parent = parent;
  const auto rewritten = encode_marker(marker, key);
  const std::unique_lock lock(names);  // nobody reads it half written
  return write_full(context.files, fd.get(), rewritten, 0);
}

// What is there already: a leftover or the present entry's own. Rewritten where it is not what it must be.
// Answers whether anything was written.
Result<bool> repair_sidecar(Files& files, int dir, const std::string& name, ByteSpan content) {
  ENFOLD_TRY_ASSIGN(const Fd fd, open_regular(files, dir, name, O_RDWR));
  Bytes present(content.size() + 1);
  ENFOLD_TRY_ASSIGN(const std::size_t size, read_full(files, fd.get(), present, 0));
  if (size == content.size() && std::ranges::equal(std::span(present).first(size), content)) return false;
  ENFOLD_TRY(write_full(files, fd.get(), content, 0));
  ENFOLD_TRY(files.truncate(fd.get(), content.size()));
  return true;
}

Result<bool> write_sidecar(Files& files, int dir, const std::string& name, ByteSpan content) {
  auto fd = make_own(files, dir, name);
  if (!fd && has_errno(fd.error(), EEXIST)) return repair_sidecar(files, dir, name, content);
  if (!fd) return std::unexpected(std::move(fd).error());
  ENFOLD_TRY(write_full(files, fd->get(), content, 0));
  return true;
}

}  // namespace

void write_parent_hint(VolumeContext& context, FairSharedMutex& names, int dir, const DirectoryId& parent) {
  if (auto written = rewrite_parent(context, names, dir, parent); !written)
    log_warning("marker of a moved directory keeps its old parent: " + describe(written.error()));
}

Result<void> Directories::make_sidecar(const Spot& spot, int dir) {
  if (!spot.lower.is_hashed()) return {};
  const std::string name = sidecar_of(spot.lower.name);
  auto written = write_sidecar(context_.files, dir, name, spot.lower.sidecar);
  // Half of it may be there.
  if (!written || *written) unsynced_.made_sidecar(spot.directory->lower, name);
  if (!written) return std::unexpected(std::move(written).error());
  return {};
}

Result<void> Directories::make_durable_sidecar(const Spot& spot, int dir) {
  ENFOLD_TRY(make_sidecar(spot, dir));
  return durable_first_.sidecar(spot.directory, dir, spot.lower.name);
}

void Directories::remove_sidecar(const Link& link, int dir) {
  if (classify_lower_name(link.lower_name) != LowerNameKind::kHashed) return;
  const std::string name = sidecar_of(link.lower_name);
  auto removed = context_.files.unlink_at(dir, name, 0);
  const bool is_gone = removed || has_errno(removed.error(), ENOENT);
  if (is_gone)
    unsynced_.removed_sidecar(link.parent->lower, name);
  else
    log_warning("leftover " + name + ": " + describe(removed.error()));
}

}  // namespace enfold
