#include "fs/volume/check.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "fs/format/marker.h"
#include "fs/format/special.h"
#include "fs/format/xattr.h"
#include "fs/volume/check_content.h"
#include "fs/volume/config_file.h"
#include "fs/volume/lower_files.h"

namespace enfold {
namespace {

bool is_missing(const Error& error) { return error.code == Errc::kNotFound || error.errno_value == ENOENT; }

Severity severity_of(const Error& error) {
  return error.code == Errc::kDamaged || error.code == Errc::kUnsupported ||
                 error.code == Errc::kKmsBadAnswer || error.code == Errc::kKmsInvalidCiphertext ||
                 error.errno_value == EIO
             ? Severity::kDamage
             : Severity::kUnread;
}

std::string join(const std::string& path, const std::string& name) {
  return path.empty() || path.ends_with('/') ? path + name : path + "/" + name;
}

// A directory that is still to be read; holds one lookup of its inode, but for the root's.
struct PendingDirectory {
  InodeNumber inode = kRootInode;
  std::string plain = "/";
  std::string lower;         // relative; empty for the root
  std::string not_repaired;  // why its marker could not be, to stand behind what is wrong with it
};

// What one lower entry is, as far as its name tells.
struct NamedEntry {
  std::string lower_name;
  std::string plain_name;
};

class Check {
 public:
  Check(OpenVolume& volume, CheckObserver& observer, CheckMode mode)
      : mode_(mode),
        tree_(volume.tree()),
        context_(volume.context()),
        files_(context_.files),
        lower_root_(volume.lower_path()),
        observer_(observer) {}

  Result<CheckCounts> run() {
    PendingDirectory root;
    repair_marker(root);
    ENFOLD_TRY(check_root());
    pending_.push_back(std::move(root));
    while (!pending_.empty() && !stopped_) {
      const PendingDirectory directory = std::move(pending_.back());
      pending_.pop_back();
      check_directory(directory);
      forget(directory.inode);
    }
    for (const PendingDirectory& directory : pending_) forget(directory.inode);
    if (stopped_) return make_error(Errc::kBusy, "the check was stopped before its end");
    return counts_;
  }

 private:
  Result<void> check_root();
  void check_directory(const PendingDirectory& directory);
  void check_entries(const PendingDirectory& directory, int fd, const DirectoryId& id);
  void check_entry(const PendingDirectory& directory, int fd, const DirectoryId& id, const LowerEntry& entry);
  void check_named(const PendingDirectory& directory, int fd, const NamedEntry& named);
  void repair_marker(PendingDirectory& directory);
  void check_own(const PendingDirectory& directory, const std::string& lower_name);
  void check_lost();
  void check_file(const Entry& entry, const std::string& plain, const std::string& lower);
  void check_special(const Entry& entry, int fd, const NamedEntry& named, const std::string& plain,
                     const std::string& lower);
  void check_xattrs(InodeNumber inode, int fd, const std::string& plain, const std::string& lower);
  Result<Fd> open_directory(const std::string& lower);
  Result<std::string> plain_name(int fd, const DirectoryId& id, const std::string& lower_name);

  void forget(InodeNumber inode) {
    if (inode != kRootInode) tree_.forget(inode, 1);
  }
  void report(Severity severity, const std::string& plain, const std::string& lower,
              const std::string& what) {
    ++counts_.findings;
    if (!observer_.finding({severity, plain, lower, what})) stopped_ = true;
  }
  void report(const Error& error, const std::string& plain, const std::string& lower) {
    report(severity_of(error), plain, lower, describe(error));
  }
  void progress() {
    if (!observer_.progress(counts_)) stopped_ = true;
  }

  CheckMode mode_;
  Volume& tree_;
  VolumeContext& context_;
  Files& files_;
  std::string lower_root_;
  CheckObserver& observer_;
  CheckCounts counts_;
  std::vector<PendingDirectory> pending_;
  std::set<std::uint64_t> linked_;  // lower inode numbers of files with several names that were read
  bool stopped_ = false;
};

// What only the root has, and its xattrs: those of others are checked where they are named.
Result<void> Check::check_root() {
  ENFOLD_TRY_ASSIGN(const Fd root, open_directory(""));
  check_xattrs(kRootInode, root.get(), "/", "");
  constexpr int kTries = 3;
  // The mount may be writing the state page at this moment, and a read beside a write can be torn.
  for (int tried = 1;; ++tried) {
    auto config = read_config_file(files_, root.get(), lower_root_);
    if (config && decode_config(*config, context_.keys)) return {};
    if (tried < kTries) continue;
    const Error error = config ? decode_config(*config, context_.keys).error() : config.error();
    report(Severity::kDamage, "/", std::string(kConfigName), describe(error));
    return {};
  }
}

// Component by component, for a path may be longer than a system call takes, and nothing on it is followed.
Result<Fd> Check::open_directory(const std::string& lower) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  ENFOLD_TRY_ASSIGN(Fd at, files_.open_at(AT_FDCWD, lower_root_, kFlags, 0));
  std::size_t start = 0;
  while (start < lower.size()) {
    const std::size_t end = std::min(lower.find('/', start), lower.size());
    ENFOLD_TRY_ASSIGN(at, files_.open_at(at.get(), lower.substr(start, end - start), kFlags, 0));
    start = end + 1;
  }
  return at;
}

void Check::check_directory(const PendingDirectory& directory) {
  ++counts_.directories;
  progress();
  auto fd = open_directory(directory.lower);
  if (!fd) {
    if (!is_missing(fd.error())) report(fd.error(), directory.plain, directory.lower);
    return;
  }
  const std::string marker_path = join(directory.lower, std::string(kMarkerName));
  auto content = read_regular(files_, fd->get(), std::string(kMarkerName), kMarkerBytes);
  if (!content) {
    // A directory that was removed since it was listed has no marker and no entries.
    if (is_missing(content.error()) && !files_.stat_at(fd->get(), ".")) return;
    report(Severity::kDamage, directory.plain, marker_path,
           "the directory's marker cannot be read: " + describe(content.error()) + directory.not_repaired);
    return;
  }
  auto marker = decode_marker(*content, context_.keys.volume(), context_.keys.marker_mac());
  if (!marker) {
    report(Severity::kDamage, directory.plain, marker_path,
           describe(marker.error()) + directory.not_repaired);
    return;
  }
  if (!directory.not_repaired.empty())
    report(Severity::kDamage, directory.plain, marker_path,
           "no name in the directory decrypts under this marker" + directory.not_repaired);
  check_entries(directory, fd->get(), marker->directory);
}

// Before anything else of the directory is looked at: its xattrs hang on its id, too.
void Check::repair_marker(PendingDirectory& directory) {
  if (mode_ != CheckMode::kRepair) return;
  auto repaired = tree_.repair_marker(directory.inode);
  if (!repaired) directory.not_repaired = "; not repaired: " + describe(repaired.error());
  if (repaired && *repaired)
    report(Severity::kRepaired, directory.plain, join(directory.lower, std::string(kMarkerName)),
           "the directory's marker was written again");
}

void Check::check_entries(const PendingDirectory& directory, int fd, const DirectoryId& id) {
  auto entries = files_.list(fd);
  if (!entries) {
    report(entries.error(), directory.plain, directory.lower);
    return;
  }
  for (const LowerEntry& entry : *entries) {
    if (stopped_) return;
    check_entry(directory, fd, id, entry);
    progress();
  }
}

Result<std::string> Check::plain_name(int fd, const DirectoryId& id, const std::string& lower_name) {
  if (classify_lower_name(lower_name) == LowerNameKind::kPlain)
    return decrypt_name(context_.keys.names(), id, lower_name);
  auto sidecar = read_regular(files_, fd, sidecar_of(lower_name), kMaxSidecarBytes);
  if (!sidecar)
    return make_error(Errc::kDamaged,
                      "the sidecar of this long name cannot be read: " + describe(sidecar.error()));
  return decrypt_hashed_name(context_.keys.names(), id, lower_name, *sidecar);
}

void Check::check_lost() {
  const std::string name(kLostName);
  auto fd = open_directory(name);
  auto entries = fd ? files_.list(fd->get()) : std::unexpected(fd.error());
  if (!entries) return report(Severity::kForeign, "/", name, "not the directory that recovery makes");
  report(Severity::kLeftover, "/", name,
         "holds what recovery set aside; delete it when you have looked at it");
  for (const LowerEntry& entry : *entries)
    report(Severity::kLeftover, "/", join(name, entry.name),
           "set aside by recovery: a crash left its name and not its content");
}

void Check::check_own(const PendingDirectory& directory, const std::string& lower_name) {
  if (directory.lower.empty() && lower_name == kLostName) return check_lost();
  const bool in_place = lower_name == kMarkerName ||
                        (directory.lower.empty() && (lower_name == kConfigName || lower_name == kLockName));
  if (!in_place)
    report(Severity::kForeign, directory.plain, join(directory.lower, lower_name),
           "a file of this name does not belong in this directory");
}

void Check::check_entry(const PendingDirectory& directory, int fd, const DirectoryId& id,
                        const LowerEntry& entry) {
  const std::string lower = join(directory.lower, entry.name);
  const LowerNameKind kind = classify_lower_name(entry.name);
  if (kind == LowerNameKind::kOwn) return check_own(directory, entry.name);
  auto found = files_.stat_at(fd, entry.name);
  if (!found) {
    if (!is_missing(found.error())) report(found.error(), directory.plain, lower);
    return;
  }
  if (kind == LowerNameKind::kForeign)
    return report(Severity::kForeign, directory.plain, lower, "not a name that Enfold makes");
  if (!S_ISDIR(found->stx_mode) && !S_ISREG(found->stx_mode))
    return report(Severity::kForeign, directory.plain, lower,
                  "neither a directory nor a regular file, so Enfold did not make it");
  if (kind == LowerNameKind::kSidecar) {
    const std::string owner = entry.name.substr(0, entry.name.rfind('.'));
    if (auto beside = files_.stat_at(fd, owner); !beside && is_missing(beside.error()))
      report(Severity::kLeftover, directory.plain, lower, "a sidecar whose entry is gone");
    return;
  }
  auto plain = plain_name(fd, id, entry.name);
  if (plain) return check_named(directory, fd, {entry.name, *plain});
  if (files_.stat_at(fd, entry.name)) report(plain.error(), directory.plain, lower);
}

void Check::check_named(const PendingDirectory& directory, int fd, const NamedEntry& named) {
  const std::string plain = join(directory.plain, named.plain_name);
  const std::string lower = join(directory.lower, named.lower_name);
  auto entry = tree_.lookup(directory.inode, named.plain_name);
  if (!entry) {
    auto still = files_.stat_at(fd, named.lower_name);
    if (!still && is_missing(still.error())) return;
    if (is_missing(entry.error()) && context_.epochs.recovering())
      return report(Severity::kLeftover, plain, lower,
                    "lost in a crash; the next mount that may write moves it to " + std::string(kLostName));
    // What the tree does not show although its name is right is of no kind of ours.
    if (is_missing(entry.error()))
      return report(Severity::kDamage, plain, lower, "its size is that of no file and no special object");
    // A directory's marker is reported as such by name, and its content cannot be named.
    return report(entry.error(), plain, lower);
  }
  const mode_t mode = entry->attributes.st_mode;
  PendingDirectory directory_itself{entry->inode, plain, lower, {}};
  if (S_ISDIR(mode)) repair_marker(directory_itself);
  if (auto own = files_.open_at(fd, named.lower_name, O_PATH | O_NOFOLLOW, 0))
    check_xattrs(entry->inode, own->get(), plain, lower);
  if (S_ISDIR(mode)) {
    pending_.push_back(std::move(directory_itself));
    return;
  }
  if (S_ISREG(mode))
    check_file(*entry, plain, lower);
  else
    check_special(*entry, fd, named, plain, lower);
  forget(entry->inode);
}

void Check::check_file(const Entry& entry, const std::string& plain, const std::string& lower) {
  ++counts_.files;
  if (entry.attributes.st_nlink > 1 && !linked_.insert(entry.attributes.st_ino).second) return;
  const ContentVerdict verdict = check_content(tree_, entry.inode, [&](std::uint64_t bytes) {
    counts_.content_bytes += bytes;
    return observer_.progress(counts_);
  });
  stopped_ = stopped_ || verdict.stopped;
  if (!verdict.error) return;
  if (verdict.unreadable_sectors == 0) return report(*verdict.error, plain, lower);
  report(severity_of(*verdict.error), plain, lower,
         std::to_string(verdict.unreadable_sectors) + " sectors do not read, the first is sector " +
             std::to_string(verdict.first_sector) + ": " + describe(*verdict.error));
}

void Check::check_special(const Entry& entry, int fd, const NamedEntry& named, const std::string& plain,
                          const std::string& lower) {
  ++counts_.special_objects;
  if (S_ISLNK(entry.attributes.st_mode)) {
    auto target = tree_.read_link(entry.inode);
    if (!target) report(target.error(), plain, lower);
    return;
  }
  auto content = read_regular(files_, fd, named.lower_name, kMaxSpecialBytes);
  if (!content) {
    if (!is_missing(content.error())) report(content.error(), plain, lower);
    return;
  }
  auto special = open_special(*content, context_.keys);
  if (!special) report(special.error(), plain, lower);
}

// `fd` is of the object itself.
void Check::check_xattrs(InodeNumber inode, int fd, const std::string& plain, const std::string& lower) {
  auto lower_names = files_.list_xattrs(fd);
  if (!lower_names) return;  // none on this filesystem
  const auto sealed = std::ranges::count_if(
      *lower_names, [](const std::string& name) { return name.starts_with(kXattrPrefix); });
  if (sealed == 0) return;
  auto names = tree_.list_xattrs(inode);
  if (!names) return report(names.error(), plain, lower);
  std::int64_t opened = 0;
  for (const std::string& name : *names) {
    if (!name.starts_with("user.") && !name.starts_with("trusted.")) continue;
    ++opened;
    auto value = tree_.get_xattr(inode, name);
    if (!value && value.error().errno_value != ENODATA)
      report(severity_of(value.error()), plain, lower, "an extended attribute: " + describe(value.error()));
  }
  if (opened < sealed)
    report(Severity::kDamage, plain, lower,
           std::to_string(sealed - opened) + " extended attributes have names that do not verify");
}

}  // namespace

Result<CheckCounts> check_volume(OpenVolume& volume, CheckObserver& observer, CheckMode mode) {
  return Check(volume, observer, mode).run();
}

}  // namespace enfold
