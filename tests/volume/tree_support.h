// A volume in a temporary lower directory, without a mount: the tree over real files and a fake KMS.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "fs/volume/volume.h"
#include "tests/volume/content_support.h"

namespace enfold {

// Removed with all that is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The errno that an application would see; 0 for success.
template <class T>
int errno_of_result(const Result<T>& result) {
  return result ? 0 : errno_of(result.error());
}

class TreeWorld {
 public:
  explicit TreeWorld(std::uint64_t salt = 0);

  Volume& tree() { return *tree_; }
  // With the epochs as they are.
  void reopen();
  // The same volume over another lower directory, a copy for example.
  void reopen_at(const std::filesystem::path& lower);
  // The next mount: with a number of its own, and all that was before durable or, after a crash, to be
  // recovered.
  void remount(bool after_crash = false);
  // As if no sync had failed in this mount.
  void forget_sync_failure();
  void set_read_only(bool read_only) { context.read_only = read_only; }

  // By path below the root, "a/b": with a lookup that stays, 0 where there is none.
  InodeNumber inode(const std::string& path);
  Result<struct stat> status(const std::string& path);
  // The lower path of a plain one; its directories must be there and whole.
  std::filesystem::path lower(const std::string& path);
  LowerName lower_name(const std::string& directory, std::string_view name);

  // Each expects to succeed.
  InodeNumber make_directory(const std::string& path, mode_t mode = 0755);
  InodeNumber make_file(const std::string& path, std::string_view content = "", mode_t mode = 0644);
  InodeNumber make_symlink(const std::string& path, std::string_view target);
  InodeNumber make_node(const std::string& path, mode_t mode, dev_t device = 0);
  std::set<std::string> names(const std::string& directory = "");

  Result<std::string> read(const std::string& path);
  Result<void> write(const std::string& path, std::string_view content);
  Result<void> unlink(const std::string& path);
  Result<void> remove_directory(const std::string& path);
  Result<void> rename(const std::string& from, const std::string& to, unsigned flags = 0);

  [[nodiscard]] Caller caller() const;

  TemporaryDirectory directory;
  SharedEntropy entropy;
  ManualClock clock;
  FaultyFiles files;
  VolumeKeys keys = format_test::sample_keys();
  FakeKms kms{entropy};
  KeyCache cache{kms, keys, clock, entropy, kFakeKeyArn, {}};
  Epochs epochs{CrashEpoch{1, 1}, CrashEpoch{1, 0}, false};
  VolumeContext context{files, entropy, clock, keys, cache, epochs, false};

 private:
  std::filesystem::path lower_root_;
  std::unique_ptr<Volume> tree_;
};

// "a/b/c" -> "a/b" and "c".
struct SplitPlainPath {
  std::string parent;
  std::string name;
};
SplitPlainPath split_plain(const std::string& path);

Result<std::string> read_inode(Volume& tree, InodeNumber inode);

// Bytes of a lower file, read and replaced behind the volume's back.
std::string slurp(const std::filesystem::path& path);
void spill(const std::filesystem::path& path, std::string_view content);

}  // namespace enfold
