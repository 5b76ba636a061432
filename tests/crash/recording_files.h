// The lower filesystem, with a log of all that changes or syncs what is below some roots. Syncs are logged
// and not done: what is durable is the model's business (power_cut.h), and the tests do not wait for a disk.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>

#include "kms/base/files.h"
#include "tests/crash/lower_log.h"

namespace enfold {

// Thread-safe. What lies below no root is passed on, with syncs, and not logged.
class RecordingFiles final : public PosixFiles {
 public:
  // The roots' content is where the log starts, and durable.
  explicit RecordingFiles(const std::vector<std::filesystem::path>& roots);

  [[nodiscard]] const LowerLog& log() const { return log_; }
  [[nodiscard]] std::size_t position() const { return log_.calls.size(); }
  // The process is dead: from now on nothing reaches the files, until revive().
  void kill() { is_dead_ = true; }
  void revive() { is_dead_ = false; }
  // Runs `act` once, before the first change or sync below the roots that would be call `position` of the log
  // or a later one.
  void before_call(std::size_t position, std::function<void()> act);

  Result<Fd> open_at(int dir, const std::string& path, int flags, mode_t mode) override;
  Result<std::size_t> write_at(int fd, ByteSpan in, std::uint64_t offset) override;
  Result<void> truncate(int fd, std::uint64_t size) override;
  Result<void> allocate(int fd, int mode, std::uint64_t offset, std::uint64_t size) override;
  Result<void> sync(int fd) override;
  Result<void> sync_data(int fd) override;
  Result<void> sync_filesystem(int fd) override;
  Result<void> make_directory_at(int dir, const std::string& name, mode_t mode) override;
  Result<void> unlink_at(int dir, const std::string& name, int flags) override;
  Result<void> rename_at(int from_dir, const std::string& from, int to_dir, const std::string& to,
                         unsigned flags) override;
  Result<void> link_at(int fd, int to_dir, const std::string& to) override;
  Result<void> set_mode(int fd, mode_t mode) override;
  Result<void> set_owner(int fd, uid_t uid, gid_t gid) override;
  Result<void> set_times(int fd, const std::array<timespec, 2>& access_and_modification) override;
  Result<void> set_xattr(int fd, const std::string& name, ByteSpan value, int flags) override;
  Result<void> remove_xattr(int fd, const std::string& name) override;

 private:
  struct Known {
    NodeId node = 0;  // 0: below no root
    std::size_t root = 0;
  };
  struct Place {
    Known directory;
    std::string name;
  };
  using Key = std::pair<dev_t, ino_t>;

  // To be called before each change: nothing happens any more, or something else first.
  Result<void> begin();
  // The lock is held for all of these.
  [[nodiscard]] Known known(const Result<StatX>& status) const;
  [[nodiscard]] Known known(int fd) { return known(stat_at(fd, "")); }
  [[nodiscard]] Known named(int dir, const std::string& path) { return known(stat_at(dir, path)); }
  [[nodiscard]] Place place(int dir, const std::string& path);
  void add(LowerCall call, const Known& known);
  void add_created(const Place& at, int dir, const std::string& path);
  // Pages of the range that have no blocks yet: holes, and what lies past the end.
  [[nodiscard]] std::vector<bool> unallocated(int fd, std::uint64_t offset, std::uint64_t size);
  void add_pages(int fd, const Known& known, std::uint64_t offset, std::uint64_t size,
                 const std::vector<bool>& unallocated);
  void add_punched(int fd, const Known& known, std::uint64_t offset, std::uint64_t end, bool keeps_blocks);
  Result<void> log_simple(LowerCall::Kind kind, int fd);

  mutable std::mutex mutex_;
  LowerLog log_;
  NodeId next_ = 1;
  std::map<Key, Known> known_;
  std::atomic<bool> is_dead_ = false;
  std::size_t act_at_ = 0;
  std::function<void()> act_;
};

}  // namespace enfold
