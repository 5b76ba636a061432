// The lower filesystem with faults: counts the calls that reach it, fails the n-th (once or from then on, of
// all calls or of one kind), gives short counts, interrupts, and shows each write to who wants to see it.
// Thread-safe unless writes are watched.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>

#include "fs/format/length.h"
#include "kms/base/files.h"

namespace enfold {

class FaultyFiles final : public Files {
 public:
  enum class Call : std::uint8_t {
    kLook,   // opens what is there, reads, lists, locks; changes nothing
    kWrite,  // of content
    kSize,
    kName,  // makes or moves a name
    kRemoval,
    kXattr,
    kMetadata,  // mode, owner, times
    kSync,
  };
  enum class Mode : std::uint8_t {
    kOnce,
    kWritesFromThenOn,  // a full disk: reads and truncates go on
    kSpaceFromThenOn,   // a full disk that has no room for names, xattrs and late allocation at sync either
    kSyncsFromThenOn,   // a device that takes no more writes, behind a cache that does
    kAllFromThenOn,     // a dead device
    kShortWrite,        // where it is a write, it stores some bytes, and the next one fails
  };

  // The n-th call from now (1 = the next one) fails with `errno_value`.
  void fail_at(int n, int errno_value, Mode mode = Mode::kOnce) {
    calls_ = 0;
    syncs_ = 0;
    failures_ = 0;
    failed_writes_ = 0;
    failed_syncs_ = 0;
    failed_call_ = "";
    errno_value_ = errno_value;
    mode_ = mode;
    is_short_ = was_short_ = false;
    syncs_only_ = false;
    fail_at_ = n;
  }
  // The n-th sync of a file, a directory or the filesystem, and no other call.
  void fail_sync_at(int n, int errno_value, Mode mode = Mode::kOnce) {
    fail_at(n, errno_value, mode);
    syncs_only_ = true;
  }
  void heal() { fail_at_ = 0; }
  // The process dies at the n-th call from now.
  void kill_at(int n) {
    fail_at(0, 0);
    kill_at_ = n;
  }
  // Since fail_at(): how many calls were made, how many have failed, which one did first.
  [[nodiscard]] int calls() const { return calls_; }
  [[nodiscard]] int syncs() const { return syncs_; }
  [[nodiscard]] int failures() const { return failures_; }
  [[nodiscard]] int failed_writes() const { return failed_writes_; }
  [[nodiscard]] int failed_syncs() const { return failed_syncs_; }
  [[nodiscard]] const char* failed_call() const { return failed_call_; }

  // A write stores at most one page at a time, as a full disk and a signal make it do.
  void shorten_writes(bool shorten) { shorten_writes_ = shorten; }
  // Each read and write moves two thirds of what was asked, at any byte, and each second one is interrupted
  // first (the other calls are restarted by PosixFiles).
  void cut_and_interrupt(bool cut) { cut_and_interrupt_ = cut; }
  // fallocate with one of these flags is EOPNOTSUPP, as on a filesystem that cannot do it.
  void refuse_to_allocate(int flags) { refused_flags_ = flags; }
  // As for who may write a file and does not own it.
  void refuse_to_set_times(bool refuse) { times_refused_ = refuse; }
  // Syncs succeed without reaching the device: for tests that look at the page cache alone.
  void skip_syncs(bool skip) { skip_syncs_ = skip; }
  void watch_writes(std::function<void(ByteSpan, std::uint64_t)> watcher) { watcher_ = std::move(watcher); }

  // Sees each sync, rename, link and listing before it is done: "fsync", "syncfs", "rename", "link" or
  // "list", and what it is about; of a rename and a link the new name, and the directory that gets it.
  using OrderWatcher = std::function<void(const char* call, int fd, const std::string& name)>;
  void watch_order(OrderWatcher watcher) { order_watcher_ = std::move(watcher); }

  // Called once, before the next read reaches the file.
  void before_read(std::function<void()> act) {
    before_read_ = std::move(act);
    before_read_set_ = true;
  }

  Result<Fd> open_at(int dir, const std::string& path, int flags, mode_t mode) override {
    ENFOLD_TRY(step((flags & O_CREAT) != 0 ? Call::kName : Call::kLook, "open_at"));
    return real_.open_at(dir, path, flags, mode);
  }
  Result<Fd> duplicate(int fd) override {
    ENFOLD_TRY(step(Call::kLook, "duplicate"));
    return real_.duplicate(fd);
  }
  Result<StatX> stat_at(int dir, const std::string& path) override {
    ENFOLD_TRY(step(Call::kLook, "stat_at"));
    return real_.stat_at(dir, path);
  }
  Result<struct statvfs> stat_filesystem(int fd) override {
    ENFOLD_TRY(step(Call::kLook, "stat_filesystem"));
    return real_.stat_filesystem(fd);
  }
  Result<std::vector<LowerEntry>> list(int dir) override {
    show_order("list", dir, "");
    ENFOLD_TRY(step(Call::kLook, "list"));
    return real_.list(dir);
  }
  Result<std::size_t> read_at(int fd, MutableByteSpan out, std::uint64_t offset) override {
    ENFOLD_TRY(step(Call::kLook, "read_at"));
    if (before_read_set_.exchange(false)) before_read_();
    ENFOLD_TRY(interrupt());
    return real_.read_at(fd, out.first(cut(out.size())), offset);
  }
  Result<std::size_t> write_at(int fd, ByteSpan in, std::uint64_t offset) override {
    ENFOLD_TRY(step(Call::kWrite, "write_at"));
    ENFOLD_TRY(interrupt());
    in = in.first(cut(in.size()));
    if (is_short_.exchange(false)) in = in.first(std::min<std::size_t>(in.size(), kShortBytes));
    if (shorten_writes_) in = in.first(std::min<std::size_t>(in.size(), kPageBytes));
    if (watcher_) watcher_(in, offset);
    return real_.write_at(fd, in, offset);
  }
  Result<void> truncate(int fd, std::uint64_t size) override {
    ENFOLD_TRY(step(Call::kSize, "truncate"));
    return real_.truncate(fd, size);
  }
  Result<void> allocate(int fd, int mode, std::uint64_t offset, std::uint64_t size) override {
    ENFOLD_TRY(step((mode & FALLOC_FL_PUNCH_HOLE) != 0 ? Call::kSize : Call::kWrite, "allocate"));
    if ((mode & refused_flags_) != 0) return system_error(EOPNOTSUPP, "fallocate");
    return real_.allocate(fd, mode, offset, size);
  }
  Result<std::uint64_t> seek(int fd, std::uint64_t offset, int whence) override {
    ENFOLD_TRY(step(Call::kLook, "seek"));
    return real_.seek(fd, offset, whence);
  }
  Result<void> sync(int fd) override {
    show_order("fsync", fd, "");
    ENFOLD_TRY(step(Call::kSync, "sync"));
    return skip_syncs_ ? Result<void>() : real_.sync(fd);
  }
  Result<void> sync_data(int fd) override {
    show_order("fsync", fd, "");
    ENFOLD_TRY(step(Call::kSync, "sync_data"));
    return skip_syncs_ ? Result<void>() : real_.sync_data(fd);
  }
  Result<void> sync_filesystem(int fd) override {
    show_order("syncfs", fd, "");
    ENFOLD_TRY(step(Call::kSync, "sync_filesystem"));
    return skip_syncs_ ? Result<void>() : real_.sync_filesystem(fd);
  }
  Result<void> make_directory_at(int dir, const std::string& name, mode_t mode) override {
    ENFOLD_TRY(step(Call::kName, "make_directory_at"));
    return real_.make_directory_at(dir, name, mode);
  }
  Result<void> unlink_at(int dir, const std::string& name, int flags) override {
    ENFOLD_TRY(step(Call::kRemoval, "unlink_at"));
    return real_.unlink_at(dir, name, flags);
  }
  Result<void> rename_at(int from_dir, const std::string& from, int to_dir, const std::string& to,
                         unsigned flags) override {
    show_order("rename", to_dir, to);
    ENFOLD_TRY(step(Call::kName, "rename_at"));
    return real_.rename_at(from_dir, from, to_dir, to, flags);
  }
  Result<void> link_at(int fd, int to_dir, const std::string& to) override {
    show_order("link", to_dir, to);
    ENFOLD_TRY(step(Call::kName, "link_at"));
    return real_.link_at(fd, to_dir, to);
  }
  Result<Fd> reopen(int fd, int flags) override {
    ENFOLD_TRY(step(Call::kLook, "reopen"));
    return real_.reopen(fd, flags);
  }
  Result<void> set_mode(int fd, mode_t mode) override {
    ENFOLD_TRY(step(Call::kMetadata, "set_mode"));
    return real_.set_mode(fd, mode);
  }
  Result<void> set_owner(int fd, uid_t uid, gid_t gid) override {
    ENFOLD_TRY(step(Call::kMetadata, "set_owner"));
    return real_.set_owner(fd, uid, gid);
  }
  Result<void> set_times(int fd, const std::array<timespec, 2>& access_and_modification) override {
    ENFOLD_TRY(step(Call::kMetadata, "set_times"));
    if (times_refused_) return system_error(EPERM, "utimensat");
    return real_.set_times(fd, access_and_modification);
  }
  Result<Bytes> get_xattr(int fd, const std::string& name) override {
    ENFOLD_TRY(step(Call::kLook, "get_xattr"));
    return real_.get_xattr(fd, name);
  }
  Result<void> set_xattr(int fd, const std::string& name, ByteSpan value, int flags) override {
    ENFOLD_TRY(step(Call::kXattr, "set_xattr"));
    return real_.set_xattr(fd, name, value, flags);
  }
  Result<std::vector<std::string>> list_xattrs(int fd) override {
    ENFOLD_TRY(step(Call::kLook, "list_xattrs"));
    return real_.list_xattrs(fd);
  }
  Result<void> remove_xattr(int fd, const std::string& name) override {
    ENFOLD_TRY(step(Call::kXattr, "remove_xattr"));
    return real_.remove_xattr(fd, name);
  }
  Result<void> lock(int fd) override {
    ENFOLD_TRY(step(Call::kLook, "lock"));
    return real_.lock(fd);
  }

 private:
  void show_order(const char* call, int fd, const std::string& name) {
    if (order_watcher_) order_watcher_(call, fd, name);
  }

  Result<void> step(Call call, const char* name) {
    if (call == Call::kSync) ++syncs_;
    if (syncs_only_ && call != Call::kSync) return {};
    const int number = ++calls_;
    if (number == kill_at_) ::kill(::getpid(), SIGKILL);
    if (fail_at_ == 0 || number < fail_at_ || !fails(call, number)) return {};
    if (failures_++ == 0) failed_call_ = name;
    if (call == Call::kWrite) ++failed_writes_;
    if (call == Call::kSync) ++failed_syncs_;
    return system_error(errno_value_, "injected");
  }

  [[nodiscard]] bool fails(Call call, int number) {
    switch (mode_.load()) {
      case Mode::kOnce:
        return number == fail_at_;
      case Mode::kWritesFromThenOn:
        return call == Call::kWrite;
      case Mode::kSpaceFromThenOn:
        return call == Call::kWrite || call == Call::kName || call == Call::kXattr || call == Call::kSync;
      case Mode::kSyncsFromThenOn:
        return call == Call::kSync;
      case Mode::kAllFromThenOn:
        return true;
      case Mode::kShortWrite:
        if (call != Call::kWrite) return false;
        if (number == fail_at_) is_short_ = was_short_ = true;
        return number != fail_at_ && was_short_.exchange(false);
    }
    return true;
  }

  Result<void> interrupt() {
    if (cut_and_interrupt_ && interrupted_.fetch_xor(1) == 0) return system_error(EINTR, "injected");
    return {};
  }
  [[nodiscard]] std::size_t cut(std::size_t size) const {
    return cut_and_interrupt_ ? size - size / 3 : size;
  }

  static constexpr std::size_t kShortBytes = 100;

  PosixFiles real_;
  std::atomic<int> kill_at_{0};
  std::atomic<bool> is_short_{false};
  std::atomic<bool> was_short_{false};
  std::atomic<int> calls_{0};
  std::atomic<int> syncs_{0};
  std::atomic<int> fail_at_{0};
  std::atomic<int> errno_value_{EIO};
  std::atomic<Mode> mode_{Mode::kOnce};
  std::atomic<bool> syncs_only_{false};
  std::atomic<int> failures_{0};
  std::atomic<int> failed_writes_{0};
  std::atomic<int> failed_syncs_{0};
  std::atomic<const char*> failed_call_{""};
  std::atomic<bool> shorten_writes_{false};
  std::atomic<bool> cut_and_interrupt_{false};
  std::atomic<int> interrupted_{0};
  std::atomic<bool> skip_syncs_{false};
  std::atomic<int> refused_flags_{0};
  std::atomic<bool> times_refused_{false};
  std::function<void(ByteSpan, std::uint64_t)> watcher_;
  OrderWatcher order_watcher_;
  std::function<void()> before_read_;
  std::atomic<bool> before_read_set_{false};
};

}  // namespace enfold
