#include <cerrno>

#include "tests/attack/attack_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;
using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

AssertionResult is_eio(const Error& error, std::string_view doing) {
  if (errno_of(error) == EIO) return AssertionSuccess();
  return AssertionFailure() << doing << " gives errno " << errno_of(error)
                            << " and not EIO: " << describe(error);
}

template <class T>
AssertionResult gives_eio(const Result<T>& result, std::string_view doing) {
  if (!result) return is_eio(result.error(), doing);
  return AssertionFailure() << doing << " was not refused";
}

Result<InodeNumber> find(AttackWorld& world, const std::string& path) {
  const SplitPlainPath split = split_plain(path);
  const InodeNumber parent = world.inode(split.parent);
  ENFOLD_TRY_ASSIGN(const Entry entry, world.tree().lookup(parent, split.name));
  return entry.inode;
}

bool is_below(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + "/");
}

Result<std::string> read_at(FileHandle& handle, std::uint64_t offset, std::size_t size) {
  std::string out(size, '\0');
  ENFOLD_TRY_ASSIGN(const std::size_t got,
                    handle.read(offset, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}));
  out.resize(got);
  return out;
}

AssertionResult refuses_file(AttackWorld& world, InodeNumber inode, const std::string& content) {
  auto handle = world.tree().open_file(inode, O_RDONLY);
  if (!handle) return is_eio(handle.error(), "opening");
  return refuses(**handle, content);
}

AssertionResult refuses_directory(AttackWorld& world, InodeNumber inode) {
  if (AssertionResult looked = gives_eio(world.tree().lookup(inode, "name"), "looking up in it"); !looked)
    return looked;
  auto handle = world.tree().open_directory(inode);
  if (!handle) return is_eio(handle.error(), "opening the directory");
  return gives_eio((*handle)->entries(true), "listing it");
}

// An attribute whose value is damaged gives EIO; one whose name is damaged is no longer there.
AssertionResult refuses_xattr(AttackWorld& world, InodeNumber inode, const std::string& name) {
  auto value = world.tree().get_xattr(inode, name);
  if (value) return AssertionFailure() << "the attribute " << name << " reads";
  if (errno_of(value.error()) != ENODATA) return is_eio(value.error(), "reading the attribute");
  auto names = world.tree().list_xattrs(inode);
  if (!names) return is_eio(names.error(), "listing attributes");
  if (std::ranges::find(*names, name) == names->end()) return AssertionSuccess();
  return AssertionFailure() << "the attribute " << name << " is listed and not there";
}

// It shows as an empty file that cannot be opened: nothing to wait on, to act on or to follow.
AssertionResult refuses_special(AttackWorld& world, InodeNumber inode) {
  auto status = world.tree().attributes(inode);
  if (!status) return AssertionFailure() << "stat: " << describe(status.error());
  if (!S_ISREG(status->st_mode) || status->st_size != 0 || status->st_rdev != 0)
    return AssertionFailure() << "it shows as mode " << std::oct << status->st_mode << " and not as a file";
  AttributeChanges cut;
  cut.length = 0;
  if (AssertionResult refused = gives_eio(world.tree().set_attributes(inode, cut), "cutting it"); !refused)
    return refused;
  return gives_eio(world.tree().open_file(inode, O_RDONLY), "opening it");
}

AssertionResult has_content(AttackWorld& world, InodeNumber inode, const Known& known) {
  Result<std::string> read = std::string();
  if (known.type == S_IFREG) read = read_inode(world.tree(), inode);
  if (known.type == S_IFLNK) read = world.tree().read_link(inode);
  if (!read) return AssertionFailure() << describe(read.error());
  if (*read != known.content) return AssertionFailure() << "OTHER PLAINTEXT";
  auto status = world.tree().attributes(inode);
  if (!status) return AssertionFailure() << "stat: " << describe(status.error());
  if ((status->st_mode & S_IFMT) != known.type || status->st_rdev != known.device)
    return AssertionFailure() << "shows as another type or device";
  return AssertionSuccess();
}

AssertionResult is_hidden(AttackWorld& world, const std::string& path) {
  const SplitPlainPath split = split_plain(path);
  if (!world.names(split.parent).contains(split.name)) return AssertionSuccess();
  return AssertionFailure() << "it is listed";
}

AssertionResult is_refused(AttackWorld& world, const Damaged& damaged) {
  const Known& known = world.known.at(damaged.plain);
  auto inode = find(world, damaged.plain);
  if (!inode) return is_eio(inode.error(), "looking it up");
  if (damaged.is_name_damaged || damaged.xattr) {
    const AssertionResult refused = damaged.is_name_damaged ? is_hidden(world, damaged.plain)
                                                            : refuses_xattr(world, *inode, *damaged.xattr);
    return refused ? has_content(world, *inode, known) : refused;
  }
  if (known.type == S_IFREG) return refuses_file(world, *inode, known.content);
  if (known.type == S_IFDIR) return refuses_directory(world, *inode);
  if (AssertionResult special = refuses_special(world, *inode); !special) return special;
  if (known.type == S_IFLNK) return gives_eio(world.tree().read_link(*inode), "reading the link");
  return AssertionSuccess();
}

std::string text_of(const Finding& finding) {
  return std::string(name_of(finding.severity)) + " " + finding.plain_path + " (" + finding.lower_path +
         "): " + finding.what;
}

AssertionResult is_reported(AttackWorld& world, const Damaged& damaged) {
  const std::string plain = damaged.checked_plain.value_or("/" + damaged.plain);
  const std::string own_lower = world.relative(world.lower(damaged.plain));
  const std::string lower = damaged.checked_lower.value_or(own_lower);
  bool found = false;
  for (const Finding& finding : world.findings()) {
    const bool is_its_own = finding.lower_path == lower || finding.lower_path == own_lower;
    if (finding.severity != Severity::kDamage || finding.plain_path != plain || !is_its_own)
      return AssertionFailure() << "check reports something else than " << plain << " (" << lower
                                << "): " << text_of(finding);
    found |= finding.lower_path == lower;
  }
  if (found) return AssertionSuccess();
  return AssertionFailure() << "check does not report " << plain << " (" << lower << ")";
}

bool has_kept(const AttackWorld& world, const std::string& directory) {
  return std::ranges::any_of(world.known,
                             [&](const auto& one) { return one.first.starts_with(directory + "/"); });
}

AssertionResult can_be_removed(AttackWorld& world, const Damaged& damaged) {
  const bool is_directory = world.known.at(damaged.plain).type == S_IFDIR;
  if (is_directory && has_kept(world, damaged.plain)) {
    if (errno_of_result(world.remove_directory(damaged.plain)) == ENOTEMPTY) return AssertionSuccess();
    return AssertionFailure() << "a directory that still holds something was removed";
  }
  const stdfs::path lower = world.lower(damaged.plain);
  auto removed = is_directory ? world.remove_directory(damaged.plain) : world.unlink(damaged.plain);
  if (!removed) return AssertionFailure() << "it cannot be removed: " << describe(removed.error());
  if (stdfs::exists(stdfs::symlink_status(lower))) return AssertionFailure() << "it is still there below";
  for (const Finding& finding : world.findings())
    return AssertionFailure() << "after it was removed check reports " << text_of(finding);
  return AssertionSuccess();
}

AssertionResult has_xattrs(AttackWorld& world, InodeNumber inode, const Known& known) {
  for (const auto& [name, value] : known.xattrs) {
    auto read = world.tree().get_xattr(inode, name);
    if (!read) return AssertionFailure() << "attribute " << name << ": " << describe(read.error());
    if (as_string(*read) != value) return AssertionFailure() << "attribute " << name << " has another value";
  }
  return AssertionSuccess();
}

std::set<std::string> kept_names(const AttackWorld& world, const std::string& directory,
                                 const std::string& gone) {
  std::set<std::string> names;
  for (const auto& [path, known] : world.known)
    if (const SplitPlainPath split = split_plain(path); split.parent == directory && path != gone)
      names.insert(split.name);
  return names;
}

AssertionResult lists(AttackWorld& world, const std::string& directory, const std::string& gone) {
  std::set<std::string> shown = world.names(directory);
  if (!gone.empty() && split_plain(gone).parent == directory) shown.erase(split_plain(gone).name);
  if (shown == kept_names(world, directory, gone)) return AssertionSuccess();
  return AssertionFailure() << "lists " << testing::PrintToString(shown);
}

AssertionResult is_usable(AttackWorld& world, const std::string& path, const std::string& damaged) {
  const Known& known = world.known.at(path);
  auto inode = find(world, path);
  if (!inode) return AssertionFailure() << path << ": " << describe(inode.error());
  if (AssertionResult content = has_content(world, *inode, known); !content)
    return AssertionFailure() << path << ": " << content.message();
  if (AssertionResult xattrs = has_xattrs(world, *inode, known); !xattrs)
    return AssertionFailure() << path << ": " << xattrs.message();
  if (known.type != S_IFDIR) return AssertionSuccess();
  if (AssertionResult listed = lists(world, path, damaged); !listed)
    return AssertionFailure() << path << ": " << listed.message();
  return AssertionSuccess();
}

AssertionResult can_make_files(AttackWorld& world) {
  constexpr const char* kName = "made after the attack";
  world.make_file(kName, kName);
  const bool reads = world.read(kName).value_or("") == kName;
  auto removed = world.unlink(kName);
  if (reads && removed) return AssertionSuccess();
  return AssertionFailure() << "a new file cannot be made, read and removed";
}

AssertionResult rest_is_usable(AttackWorld& world, const std::string& damaged) {
  for (const auto& [path, known] : world.known) {
    if (!damaged.empty() && is_below(path, damaged)) continue;
    if (AssertionResult usable = is_usable(world, path, damaged); !usable) return usable;
  }
  if (AssertionResult listed = lists(world, "", damaged); !listed)
    return AssertionFailure() << "the root: " << listed.message();
  return can_make_files(world);
}

}  // namespace

AssertionResult refuses(FileHandle& handle, const std::string& content) {
  const std::uint64_t length = handle.body().length();
  auto whole = read_at(handle, 0, std::max<std::size_t>(length, content.size()) + 1);
  if (whole)
    return AssertionFailure() << "the file reads, "
                              << (*whole == content ? "as it was" : "and gives OTHER PLAINTEXT");
  if (AssertionResult eio = is_eio(whole.error(), "reading it whole"); !eio) return eio;
  int refused = 0;
  for (std::uint64_t offset = 0; offset < length; offset += kSectorPlainBytes) {
    auto part = read_at(handle, offset, kSectorPlainBytes);
    if (!part) {
      ++refused;
      if (AssertionResult eio = is_eio(part.error(), "reading a sector"); !eio) return eio;
    } else if (offset >= content.size() || *part != content.substr(offset, kSectorPlainBytes)) {
      return AssertionFailure() << "OTHER PLAINTEXT at " << offset;
    }
  }
  if (refused > 0) return AssertionSuccess();
  return AssertionFailure() << "each sector reads by itself";
}

AssertionResult noticed(AttackWorld& world, const Damaged& damaged) {
  world.open_anew();
  if (AssertionResult refused = is_refused(world, damaged); !refused)
    return AssertionFailure() << damaged.plain << ": " << refused.message();
  if (AssertionResult reported = is_reported(world, damaged); !reported) return reported;
  if (AssertionResult removed = can_be_removed(world, damaged); !removed)
    return AssertionFailure() << damaged.plain << ": " << removed.message();
  return rest_is_usable(world, damaged.plain);
}

AssertionResult unharmed(AttackWorld& world) {
  world.open_anew();
  for (const Finding& finding : world.findings())
    return AssertionFailure() << "check reports " << text_of(finding);
  return rest_is_usable(world, "");
}

}  // namespace enfold
