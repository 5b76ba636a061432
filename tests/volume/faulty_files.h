// The lower filesystem with faults: counts the calls that reach it, fails the n-th (once or from then on),
// shortens writes, and shows each write to who wants to see it. Thread-safe
// unless writes are watched.
#pragma once

#include <atomic>
#include <cerrno>
#include <functional>

#include "fs/format/length.h"
#include "kms/base/files.h"

namespace enfold {

class FaultyFiles final : public Files {
 public:
  enum class Mode : std::uint8_t {
    kOnce,
    kWritesFromThenOn,  // a full disk: reads and truncates go on
    kAllFromThenOn,     // a dead device
  };

  // The n-th call from now (1 = the next one) fails with `errno_value`.
  void fail_at(int n, int errno_value, Mode mode = Mode::kOnce) {
    calls_ = 0;
    failures_ = 0;
    errno_value_ = errno_value;
    mode_ = mode;
    fail_at_ = n;
  }
  void heal() { fail_at_ = 0; }
  // How many calls have failed since fail_at().
  [[nodiscard]] int failures() const { return failures_; }

  // A write stores at most one page at a time, as a full disk and a signal make it do.
  void shorten_writes(bool shorten) { shorten_writes_ = shorten; }
  void watch_writes(std::function<void(ByteSpan, std::uint64_t)> watcher) { watcher_ = std::move(watcher); }

  // Called once, before the next read reaches the file.
  void before_read(std::function<void()> act) {
    before_read_ = std::move(act);
    before_read_set_ = true;
  }

  Result<Fd> open_at(int dir, const std::string& path, int flags, mode_t mode) override {
    ENFOLD_TRY(step());
    return real_.open_at(dir, path, flags, mode);
  }
  Result<Fd> duplicate(int fd) override {
    ENFOLD_TRY(step());
    return real_.duplicate(fd);
  }
  Result<StatX> stat_at(int dir, const std::string& path) override {
    ENFOLD_TRY(step());
    return real_.stat_at(dir, path);
  }
  Result<struct statvfs> stat_filesystem(int fd) override {
    ENFOLD_TRY(step());
    return real_.stat_filesystem(fd);
  }
  Result<std::vector<LowerEntry>> list(int dir) override {
    ENFOLD_TRY(step());
    return real_.list(dir);
  }
  Result<std::size_t> read_at(int fd, MutableByteSpan out, std::uint64_t offset) override {
    ENFOLD_TRY(step());
    if (before_read_set_.exchange(false)) before_read_();
    return real_.read_at(fd, out, offset);
  }
  Result<std::size_t> write_at(int fd, ByteSpan in, std::uint64_t offset) override {
    ENFOLD_TRY(step(true));
    if (shorten_writes_) in = in.first(std::min<std::size_t>(in.size(), kPageBytes));
    if (watcher_) watcher_(in, offset);
    return real_.write_at(fd, in, offset);
  }
  Result<void> truncate(int fd, std::uint64_t size) override {
    ENFOLD_TRY(step());
    return real_.truncate(fd, size);
  }
  Result<void> sync(int fd) override {
    ENFOLD_TRY(step());
    return real_.sync(fd);
  }
  Result<void> sync_data(int fd) override {
    ENFOLD_TRY(step());
    return real_.sync_data(fd);
  }
  Result<void> sync_filesystem(int fd) override {
    ENFOLD_TRY(step());
    return real_.sync_filesystem(fd);
  }
  Result<void> make_directory_at(int dir, const std::string& name, mode_t mode) override {
    ENFOLD_TRY(step());
    return real_.make_directory_at(dir, name, mode);
  }
  Result<void> unlink_at(int dir, const std::string& name, int flags) override {
    ENFOLD_TRY(step());
    return real_.unlink_at(dir, name, flags);
  }
  Result<void> rename_at(int from_dir, const std::string& from, int to_dir, const std::string& to,
                         unsigned flags) override {
    ENFOLD_TRY(step());
    return real_.rename_at(from_dir, from, to_dir, to, flags);
  }
  Result<void> link_at(int fd, int to_dir, const std::string& to) override {
    ENFOLD_TRY(step());
    return real_.link_at(fd, to_dir, to);
  }
  Result<Fd> reopen(int fd, int flags) override {
    ENFOLD_TRY(step());
    return real_.reopen(fd, flags);
  }
  Result<void> set_mode(int fd, mode_t mode) override {
    ENFOLD_TRY(step());
    return real_.set_mode(fd, mode);
  }
  Result<void> set_owner(int fd, uid_t uid, gid_t gid) override {
    ENFOLD_TRY(step());
    return real_.set_owner(fd, uid, gid);
  }
  Result<void> set_times(int fd, const std::array<timespec, 2>& access_and_modification) override {
    ENFOLD_TRY(step());
    return real_.set_times(fd, access_and_modification);
  }
  Result<Bytes> get_xattr(int fd, const std::string& name) override {
    ENFOLD_TRY(step());
    return real_.get_xattr(fd, name);
  }
  Result<void> set_xattr(int fd, const std::string& name, ByteSpan value, int flags) override {
    ENFOLD_TRY(step());
    return real_.set_xattr(fd, name, value, flags);
  }
  Result<std::vector<std::string>> list_xattrs(int fd) override {
    ENFOLD_TRY(step());
    return real_.list_xattrs(fd);
  }
  Result<void> remove_xattr(int fd, const std::string& name) override {
    ENFOLD_TRY(step());
    return real_.remove_xattr(fd, name);
  }
  Result<void> lock(int fd) override {
    ENFOLD_TRY(step());
    return real_.lock(fd);
  }

 private:
  Result<void> step(bool is_write = false) {
    const int call = ++calls_;
    if (fail_at_ == 0 || call < fail_at_) return {};
    if (mode_ == Mode::kOnce && call != fail_at_) return {};
    if (mode_ == Mode::kWritesFromThenOn && !is_write) return {};
    ++failures_;
    return system_error(errno_value_, "injected");
  }

  PosixFiles real_;
  std::atomic<int> calls_{0};
  std::atomic<int> fail_at_{0};
  std::atomic<int> errno_value_{EIO};
  std::atomic<Mode> mode_{Mode::kOnce};
  std::atomic<int> failures_{0};
  std::atomic<bool> shorten_writes_{false};
  std::function<void(ByteSpan, std::uint64_t)> watcher_;
  std::function<void()> before_read_;
  std::atomic<bool> before_read_set_{false};
};

}  // namespace enfold
