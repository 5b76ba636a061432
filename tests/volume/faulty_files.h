// The lower filesystem with faults: counts the calls that reach it, fails the n-th (once or from then on),
// shortens writes, and shows each write to who wants to see it. Thread-safe unless a watcher is set.
#pragma once

#include <atomic>
#include <cerrno>
#include <functional>

#include "fs/format/length.h"
#include "kms/base/files.h"

namespace enfold {

class FaultyFiles final : public Files {
 public:
  // The n-th call from now (1 = the next one) fails with `errno_value`.
  void fail_at(int n, int errno_value, bool and_all_after = false) {
    calls_ = 0;
    fail_at_ = n;
    errno_value_ = errno_value;
    and_all_after_ = and_all_after;
  }
  void heal() { fail_at_ = 0; }
  // Whether the call that was to fail has come.
  [[nodiscard]] bool has_failed() const { return fail_at_ != 0 && calls_ >= fail_at_; }

  // A write stores at most one page at a time, as a full disk and a signal make it do.
  void shorten_writes(bool shorten) { shorten_writes_ = shorten; }
  void watch_writes(std::function<void(ByteSpan, std::uint64_t)> watcher) { watcher_ = std::move(watcher); }

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
    return real_.read_at(fd, out, offset);
  }
  Result<std::size_t> write_at(int fd, ByteSpan in, std::uint64_t offset) override {
    ENFOLD_TRY(step());
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
  Result<void> step() {
    const int call = ++calls_;
    if (fail_at_ == 0) return {};
    if (call == fail_at_ || (and_all_after_ && call > fail_at_))
      return system_error(errno_value_, "injected");
    return {};
  }

  PosixFiles real_;
  std::atomic<int> calls_{0};
  std::atomic<int> fail_at_{0};
  std::atomic<int> errno_value_{EIO};
  std::atomic<bool> and_all_after_{false};
  std::atomic<bool> shorten_writes_{false};
  std::function<void(ByteSpan, std::uint64_t)> watcher_;
};

}  // namespace enfold
