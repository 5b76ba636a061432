// What the attack tests share: a volume whose user knows what is in it, the attacker's tools on its lower
// files, and the one oracle that says whether an attack was noticed as README promises.
#pragma once

#include <functional>
#include <map>

#include "fs/volume/check.h"
#include "tests/volume/tree_support.h"

namespace enfold {

using format_test::is_long_form;

// What the user of a volume put at a path.
struct Known {
  mode_t type = S_IFREG;
  std::string content;  // of a file, or a symlink's target
  dev_t device = 0;
  std::map<std::string, std::string> xattrs;
};

// A volume over a real lower directory. Paths are plain ones below the root, "a/b".
class AttackWorld : public TreeWorld {
 public:
  explicit AttackWorld(std::uint64_t salt = 0);

  // Each is made, and remembered as what the user expects to find again.
  void keep_file(const std::string& path, const std::string& content);
  void keep_random_file(const std::string& path, std::size_t bytes);
  void keep_symlink(const std::string& path, const std::string& target);
  void keep_node(const std::string& path, mode_t type, dev_t device = 0);
  void keep_directory(const std::string& path);
  void keep_xattr(const std::string& path, const std::string& name, const std::string& value);
  // Files of several lengths, a long name, a directory, each special object, xattrs.
  void keep_one_of_each();

  // Closes and opens the volume so that no inode, descriptor or data key from before is used.
  void open_anew();
  // Of a check of the volume as it is open.
  std::vector<Finding> findings(CheckMode mode = CheckMode::kReport);
  // The one the paths of findings have: from the lower directory.
  std::string relative(const std::filesystem::path& lower_path);

  std::map<std::string, Known> known;
};

// What is damaged, and by which names check must report it.
struct Damaged {
  std::string plain;
  std::optional<std::string> xattr = std::nullopt;  // only this of it is damaged: its content must read
  bool is_name_damaged = false;                     // it is listed no more, and reads for who knows its name
  std::optional<std::string> checked_plain = std::nullopt;  // where not the path itself; "/" = the root
  std::optional<std::string> checked_lower = std::nullopt;  // where not the lower path of `plain`; relative
};

// The oracle, of a volume opened anew:
// 1. reading or opening what is damaged gives EIO, and what still reads of it is what it was;
// 2. check reports it as damage, by plain and lower path, and reports nothing else;
// 3. it can be removed (a directory: where the user kept nothing in it), and then check finds nothing;
// 4. everything else the user put there is as it was, and new files can be made.
testing::AssertionResult noticed(AttackWorld& world, const Damaged& damaged);

// Everything is there as the user knows it, and check finds nothing.
testing::AssertionResult unharmed(AttackWorld& world);

// Reads through a handle that is open already: at least one sector gives EIO, the others what they held.
testing::AssertionResult refuses(FileHandle& handle, const std::string& content);

// A lower file's bytes, to damage and to put back.
class LowerCopy {
 public:
  // The file of `plain`, and its sidecar where it has one.
  LowerCopy(AttackWorld& world, const std::string& plain);
  ~LowerCopy() { put_back(); }
  LowerCopy(const LowerCopy&) = delete;
  LowerCopy& operator=(const LowerCopy&) = delete;

  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] std::string page(std::uint64_t index) const { return bytes_.substr(index * 4096, 4096); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Writes the good bytes with these laid over them.
  void lay_over(std::size_t offset, std::string_view bytes) const;
  void flip(std::size_t byte_index, unsigned bit) const;
  void put_back() const;

 private:
  std::filesystem::path path_;
  std::filesystem::path sidecar_path_;
  std::string bytes_;
  std::string sidecar_;
};

// Whether anybody opened what is at a path (O_PATH apart) since the watch began: to open a device acts on it.
class OpenWatch {
 public:
  explicit OpenWatch(const std::filesystem::path& path);
  bool was_opened();

 private:
  Fd fd_;
};

// What is neither a directory nor a regular file, and no symlink: S_IFIFO, S_IFSOCK or S_IFCHR.
void plant_node(const std::filesystem::path& path, mode_t type);

std::string text_of(ByteSpan bytes);
ByteSpan first_bytes(const std::string& text, std::size_t size);

}  // namespace enfold
