#include "tests/conformance/describe.h"

#include <cinttypes>
#include <functional>
#include <iomanip>
#include <sstream>

#include "tests/conformance/random_steps.h"

namespace enfold {
namespace {

// Steps set times in the past; what the clock set is "recent".
std::string describe_time(const timespec& time) {
  constexpr time_t kRecent_s = 1'600'000'000;
  if (time.tv_sec > kRecent_s) return "recent";
  return std::to_string(time.tv_sec) + "." + std::to_string(time.tv_nsec);
}

class TreeDescription {
 public:
  explicit TreeDescription(Filesystem& fs) : fs_(fs) {}

  std::map<std::string, std::string> all() {
    describe_directory("");
    return std::move(out_);
  }

 private:
  void describe_directory(const std::string& path) {
    const auto entries = fs_.list(path);
    if (!entries) out_[path + "/"] = describe(errno_value(entries));
    if (!entries) return;
    for (const auto& [name, type] : *entries) describe_entry(path.empty() ? name : path + "/" + name, type);
  }

  void describe_entry(const std::string& path, mode_t listed_type) {
    const auto status = fs_.lstat(path);
    std::string& text = out_[path] = describe(status);
    if (!status) return;
    if ((status->st_mode & S_IFMT) != listed_type) text += ", listed as another type";
    text += describe_xattrs(path);
    if (S_ISDIR(status->st_mode)) return describe_directory(path);
    const auto [first, is_first] = seen_.emplace(status->st_ino, path);
    if (!is_first) text += ", the same as " + first->second;
    if (S_ISLNK(status->st_mode)) text += " -> " + describe(fs_.readlink(path));
    if (S_ISREG(status->st_mode)) text += ", content " + content(path);
  }

  std::string describe_xattrs(const std::string& path) {
    const auto names = fs_.list_xattrs(path);
    if (!names) return ", xattrs " + describe(errno_value(names));
    std::string out;
    for (const std::string& name : *names) out += ", " + name + "=" + describe(fs_.get_xattr(path, name));
    return out;
  }

  std::string content(const std::string& path) {
    constexpr Slot kSlot = 2000;
    const auto opened = fs_.open(kSlot, path, O_RDONLY, 0);
    if (!opened) return describe(opened);
    std::string out = describe(fs_.read(kSlot, 0, 1 << 20));
    const auto closed = fs_.close(kSlot);
    return closed ? out : out + ", close: " + describe(closed);
  }

  Filesystem& fs_;
  std::map<std::string, std::string> out_;
  std::map<ino_t, std::string> seen_;
};

}  // namespace

std::string octal(mode_t mode) {
  std::ostringstream out;
  out << std::oct << mode;
  return out.str();
}

std::string describe(const std::string& bytes) {
  constexpr std::size_t kShort = 24;
  std::string out = std::to_string(bytes.size()) + " bytes";
  if (bytes.size() <= kShort) {
    std::ostringstream hex;
    for (const char byte : bytes)
      hex << ' ' << std::hex << std::setw(2) << std::setfill('0')
          << unsigned{static_cast<unsigned char>(byte)};
    return out + hex.str();
  }
  return out + " of digest " + std::to_string(std::hash<std::string>{}(bytes));
}

std::string describe(const struct stat& status) {
  std::string out = "mode " + octal(status.st_mode) + " owner " + std::to_string(status.st_uid) + ":" +
                    std::to_string(status.st_gid) + " modified " + describe_time(status.st_mtim);
  if (S_ISDIR(status.st_mode)) return out + (status.st_nlink == 0 ? " removed" : "");
  return out + " links " + std::to_string(status.st_nlink) + " size " + std::to_string(status.st_size) +
         " device " + std::to_string(status.st_rdev);
}

std::map<std::string, std::string> describe_tree(Filesystem& fs) { return TreeDescription(fs).all(); }

std::string first_difference(const std::map<std::string, std::string>& expected,
                             const std::map<std::string, std::string>& actual) {
  for (const auto& [path, text] : expected) {
    const auto found = actual.find(path);
    if (found == actual.end()) return path + " is missing, should be: " + text;
    if (found->second != text) return path + " should be: " + text + "\nbut is: " + found->second;
  }
  for (const auto& [path, text] : actual)
    if (!expected.contains(path)) return path + " should not be there, is: " + text;
  return "";
}

std::string check_seek(Filesystem& fs, Slot slot, std::uint64_t offset, int whence) {
  const auto status = fs.fstat(slot);
  if (!status) return describe(status);
  if (!S_ISREG(status->st_mode)) return "no file";
  const auto size = static_cast<std::uint64_t>(status->st_size);
  const auto found = fs.seek(slot, offset, whence);
  if (offset >= size) return "past the end: " + (found ? "found" : describe(errno_value(found)));
  if (!found && (whence == SEEK_HOLE || errno_value(found) != ENXIO)) return describe(errno_value(found));
  const std::uint64_t at = found.value_or(size);
  if (at < offset || at > size) return "out of range: " + std::to_string(at);
  if (whence == SEEK_HOLE) {
    const auto after = fs.read(slot, at, 1);
    return !after || after->empty() || (*after)[0] == '\0' ? "right"
                                                           : "data called a hole at " + std::to_string(at);
  }
  const auto skipped = fs.read(slot, offset, at - offset);
  return !skipped || skipped->find_first_not_of('\0') == std::string::npos
             ? "right"
             : "data called a hole between " + std::to_string(offset) + " and " + std::to_string(at);
}

}  // namespace enfold
