// The reference: a filesystem in memory that does what POSIX and Linux say, for a caller that is root. Slow
// and plain; nothing here knows how Enfold does it, but that a hole is a whole sector (sparse_bytes.h).
#pragma once

#include <optional>

#include "tests/conformance/acl.h"
#include "tests/conformance/filesystem.h"
#include "tests/conformance/path_walk.h"
#include "tests/conformance/sparse_bytes.h"

namespace enfold {

struct ModelNode;
using ModelNodePtr = std::shared_ptr<ModelNode>;

struct ModelNode {
  ino_t number = 0;
  mode_t mode = 0;  // with the S_IFMT bits
  nlink_t links = 1;
  uid_t uid = 0;
  gid_t gid = 0;
  dev_t device = 0;
  SparseBytes content;
  std::string target;
  timespec accessed{};
  timespec modified{};
  timespec changed{};
  std::map<std::string, std::string> xattrs;
  std::optional<Acl> access_acl;
  std::optional<Acl> default_acl;
  std::map<std::string, ModelNodePtr> children;
  std::weak_ptr<ModelNode> parent;  // of a directory
};

class Model final : public Filesystem {
 public:
  Model();

  void set_umask(mode_t mask) override { umask_ = mask; }
  void remount() override { open_.clear(); }

  Result<void> mkdir(const std::string& path, mode_t mode) override;
  Result<void> mknod(const std::string& path, mode_t mode, dev_t device) override;
  Result<void> symlink(const std::string& target, const std::string& path) override;
  Result<void> link(const std::string& from, const std::string& to) override;
  Result<void> unlink(const std::string& path) override;
  Result<void> rmdir(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to, unsigned flags) override;
  Result<std::string> readlink(const std::string& path) override;
  Result<std::map<std::string, mode_t>> list(const std::string& path) override;

  Result<void> open(Slot slot, const std::string& path, int flags, mode_t mode) override;
  Result<void> close(Slot slot) override;
  Result<std::string> read(Slot slot, std::uint64_t offset, std::size_t size) override;
  Result<void> write(Slot slot, std::uint64_t offset, std::string_view data) override;
  Result<void> allocate(Slot slot, int mode, std::uint64_t offset, std::uint64_t length) override;
  Result<std::uint64_t> seek(Slot slot, std::uint64_t offset, int whence) override;
  Result<void> sync(Slot slot) override;
  Result<void> copy(Slot from, std::uint64_t from_offset, Slot to, std::uint64_t to_offset,
                    std::size_t size) override;

  Result<struct stat> lstat(const std::string& path) override;
  Result<struct stat> stat(const std::string& path) override;
  Result<struct stat> fstat(Slot slot) override;
  Result<void> truncate(const std::string& path, std::uint64_t length) override;
  Result<void> ftruncate(Slot slot, std::uint64_t length) override;
  Result<void> chmod(const std::string& path, mode_t mode) override;
  Result<void> fchmod(Slot slot, mode_t mode) override;
  Result<void> lchown(const std::string& path, uid_t uid, gid_t gid) override;
  Result<void> fchown(Slot slot, uid_t uid, gid_t gid) override;
  Result<void> set_times(const std::string& path, const Times& times) override;
  Result<void> set_times(Slot slot, const Times& times) override;

  Result<std::string> get_xattr(const std::string& path, const std::string& name) override;
  Result<void> set_xattr(const std::string& path, const std::string& name, std::string_view value,
                         int flags) override;
  Result<void> remove_xattr(const std::string& path, const std::string& name) override;
  Result<std::set<std::string>> list_xattrs(const std::string& path) override;

  // For walk_path().
  [[nodiscard]] ModelNodePtr root() const { return root_; }
  static mode_t type(const ModelNodePtr& node) { return node->mode & S_IFMT; }
  static Result<std::optional<ModelNodePtr>> child(const ModelNodePtr& node, const std::string& name);
  static Result<std::string> target(const ModelNodePtr& node) { return node->target; }

 private:
  using Walk = Walked<ModelNodePtr>;
  struct OpenFile {
    ModelNodePtr node;
    int flags = 0;
  };

  Result<Walk> walk(const std::string& path, bool follows_last = false);
  Result<ModelNodePtr> node_at(const std::string& path, bool follows_last = false);
  Result<OpenFile> opened(Slot slot);
  timespec now();
  ModelNodePtr make(const Walk& at, mode_t mode);
  Result<Walk> place_for_new(const std::string& path);
  void enter(const Walk& at, const ModelNodePtr& node);
  void leave(const Walk& at);
  void touch_content(ModelNode& node);
  Result<void> resize(ModelNode& node, std::uint64_t length);
  void set_mode(ModelNode& node, mode_t mode);
  void set_owner(ModelNode& node, uid_t uid, gid_t gid);
  void set_times(ModelNode& node, const Times& times);
  static struct stat status_of(const ModelNode& node);
  Result<void> set_acl(ModelNode& node, const std::string& name, std::string_view value);
  static Result<void> check_rename(const Walk& source, const Walk& target, unsigned flags);

  ModelNodePtr root_;
  mode_t umask_ = 0;
  ino_t next_number_ = 1;
  timespec last_{};
  std::map<Slot, OpenFile> open_;
};

}  // namespace enfold
