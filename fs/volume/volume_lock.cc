#include "fs/volume/volume_lock.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "fs/format/names.h"
#include "fs/volume/lower_files.h"

namespace enfold {
namespace {

const std::string kLockFileName(kLockName);
constexpr std::size_t kMaxLockBytes = 4096;

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

std::string boot_id(Files& files) {
  auto text = read_file(files, AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64);
  if (!text) return "unknown";
  std::string id = as_string(*text);
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

std::string value_of(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return {};
  const std::size_t start = at + name.size();
  return std::string(text.substr(start, text.find('\n', start) - start));
}

// What stands in the file is written by whoever could write there: only printable text goes into a message.
std::string printable(std::string text) {
  std::erase_if(text, [](char c) { return c < 0x20 || c > 0x7e; });
  return text.substr(0, 100);
}

// A read-only mount leaves the name of an earlier holder standing.
bool is_gone(Files& files, const LockHolder& holder) {
  if (holder.pid <= 0) return true;
  const bool ran_here = holder.boot_id == boot_id(files);
  return ran_here && kill(static_cast<pid_t>(holder.pid), 0) != 0 && errno == ESRCH;
}

std::unexpected<Error> busy(Files& files, int lower_dir, const std::string& lower) {
  std::string holder = "another process";
  if (auto found = read_lock_holder(files, lower_dir); found && !is_gone(files, *found))
    holder = "process " + std::to_string(found->pid) + " on host " + found->host;
  return make_error(Errc::kBusy, lower + ": the volume is in use by " + holder +
                                     "; unmount it there first (`enfold status " + lower + "` says where)");
}

Result<void> write_holder(Files& files, int fd) {
  const std::string text =
      "host=" + host_name() + "\nboot=" + boot_id(files) + "\npid=" + std::to_string(getpid()) + "\n";
  ENFOLD_TRY(files.truncate(fd, 0));
  return write_full(files, fd, as_bytes(text), 0);
}

bool is_not_writable(const Error& error) {
  return has_errno(error, EROFS) || has_errno(error, EACCES) || has_errno(error, EPERM);
}

Result<Fd> open_lock_file(Files& files, int lower_dir, bool read_only) {
  auto fd = open_regular(files, lower_dir, kLockFileName, O_RDWR);
  if (!fd && read_only && is_not_writable(fd.error()))
    return open_regular(files, lower_dir, kLockFileName, O_RDONLY);
  // A copy made by a tool that leaves lock files out still opens.
  if (fd || read_only || !has_errno(fd.error(), ENOENT)) return fd;
  fd = files.open_at(lower_dir, kLockFileName, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (fd || !has_errno(fd.error(), EEXIST)) return fd;
  return open_regular(files, lower_dir, kLockFileName, O_RDWR);
}

}  // namespace

Result<VolumeLock> VolumeLock::take(Files& files, int lower_dir, const std::string& lower, bool read_only) {
  const std::string what = lower + "/" + kLockFileName;
  auto fd = open_lock_file(files, lower_dir, read_only);
  if (!fd) return add_context(std::move(fd).error(), what);
  auto locked = files.lock(fd->get());
  if (!locked && locked.error().code == Errc::kBusy) return busy(files, lower_dir, lower);
  if (!locked) return add_context(std::move(locked).error(), what);
  if (!read_only) {
    auto written = write_holder(files, fd->get());
    if (!written) return add_context(std::move(written).error(), what);
  }
  return VolumeLock(std::move(*fd));
}

Result<LockHolder> read_lock_holder(Files& files, int lower_dir) {
  ENFOLD_TRY_ASSIGN(const Bytes content, read_regular(files, lower_dir, kLockFileName, kMaxLockBytes));
  const std::string text = as_string(content);
  LockHolder holder{printable(value_of(text, "host=")), printable(value_of(text, "boot=")), 0};
  const std::string pid = value_of(text, "pid=");
  std::from_chars(pid.data(), pid.data() + pid.size(), holder.pid);
  return holder;
}

}  // namespace enfold
