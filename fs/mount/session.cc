#include "fs/mount/session.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdarg>
#include <fstream>
#include <system_error>

#include "fs/mount/channel.h"
#include "fs/mount/mount_point.h"
#include "fs/mount/operations.h"
#include "kms/base/log.h"

namespace enfold {
namespace {

// Requests wait for the KMS or the disk, seldom for a processor.
constexpr unsigned kMaxThreads = 10;
constexpr int kUnmountPatience_ms = 5000;

// Lines joined, without the line end of the last.
std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at))
    text.replace(at, 1, "; ");
  return text;
}

std::string content_of(int descriptor) {
  std::array<char, 4096> buffer{};
  ssize_t got = ::pread(descriptor, buffer.data(), buffer.size(), 0);
  return std::string(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
}

// Runs `call` with the standard error going to memory and returns what was printed: libfuse and fusermount3
// say there why they refuse, and nowhere else.
std::string printed_by(const std::function<void()>& call) {
  Fd memory(::memfd_create("mount-messages", MFD_CLOEXEC));
  Fd saved(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
  if (!memory.valid() || !saved.valid()) {
    call();
    return {};
  }
  ::dup2(memory.get(), STDERR_FILENO);
  call();
  ::dup2(saved.get(), STDERR_FILENO);
  return one_line(content_of(memory.get()));
}

__attribute__((format(printf, 2, 0))) void log_from_libfuse(fuse_log_level level, const char* format,
                                                            va_list arguments) {
  std::array<char, 512> line{};
  (void)std::vsnprintf(line.data(), line.size(), format, arguments);
  if (level <= FUSE_LOG_WARNING) log_warning(one_line(line.data()));
}

class Arguments {
 public:
  Arguments() { add("enfold"); }
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;
  ~Arguments() { fuse_opt_free_args(&arguments_); }

  void add_option(const std::string& option) { add("-o" + escaped(option)); }
  fuse_args* get() { return &arguments_; }

 private:
  void add(const std::string& argument) { fuse_opt_add_arg(&arguments_, argument.c_str()); }
  static std::string escaped(const std::string& option) {
    std::string out;
    for (char c : option) {
      if (c == ',' || c == '\\') out += '\\';
      out += c;
    }
    return out;
  }

  fuse_args arguments_ = FUSE_ARGS_INIT(0, nullptr);
};

std::unexpected<Error> mount_refused(const Session::Place& place, const std::string& printed) {
  return make_error(Errc::kUnsupported,
                    "cannot mount on " + place.point + ": " + printed + "; see mount.fuse3(8)");
}

// Only root may; others read 128 KiB ahead at a time, the kernel's default.
void raise_read_ahead(const std::string& device) {
  std::ofstream("/sys/class/bdi/" + device + "/read_ahead_kb") << 1024;
}

void write_back(const std::string& point) {
  Fd root(::open(point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (root.valid() && ::syncfs(root.get()) != 0) {
    log_error(describe(system_error(errno, "writing back what the kernel holds of " + point).error()));
  }
}

}  // namespace

Result<std::unique_ptr<Session>> Session::mount(Mounted& mounted, Place place, const MountOptions& options) {
  Arguments arguments;
  arguments.add_option("subtype=enfold");
  arguments.add_option("fsname=" + place.source);
  for (const std::string& option : options.fuse) arguments.add_option(option);
  fuse_session* session = nullptr;
  std::string refused = printed_by([&] {
    session = fuse_session_new(arguments.get(), &operations(), sizeof(fuse_lowlevel_ops), &mounted);
  });
  if (session == nullptr) return mount_refused(place, refused);
  int result = -1;
  refused = printed_by([&] { result = fuse_session_mount(session, place.point.c_str()); });
  if (result != 0) {
    fuse_session_destroy(session);
    return mount_refused(place, refused);
  }
  mounted.session = session;
  fuse_set_log_func(log_from_libfuse);
  fuse_custom_io io = channel_io();
  if (fuse_session_custom_io(session, &io, fuse_session_fd(session)) != 0) std::abort();  // out of memory
  return std::unique_ptr<Session>(new Session(session, mounted, std::move(place)));
}

Session::~Session() {
  fuse_session_unmount(session_);
  fuse_session_destroy(session_);
}

Result<void> Session::serve(StopSignals& stop, const std::function<void()>& ready) {
  std::thread serving([this, &stop] { loop(stop); });
  become_live();
  ready();
  stop.wait(-1);
  end(stop, serving);
  serving.join();
  if (loop_result_ < 0) return system_error(-loop_result_, "serving " + place_.point);
  return {};
}

void Session::loop(StopSignals& stop) {
  fuse_loop_config* config = fuse_loop_cfg_create();
  // A channel of its own for each thread, where the device may be opened once more.
  fuse_loop_cfg_set_clone_fd(config, ::access("/dev/fuse", R_OK | W_OK) == 0 ? 1 : 0);
  fuse_loop_cfg_set_max_threads(config, kMaxThreads);
  loop_result_ = fuse_session_loop_mt(session_, config);
  fuse_loop_cfg_destroy(config);
  // Whoever still waits for an answer gets an error now.
  fuse_session_unmount(session_);
  ended_.store(true);
  mounted_.begun.store(true);
  mounted_.begun.notify_all();
  stop.wake();
}

// Comes back when the kernel has begun to send requests, or never will. Nothing here makes a request of its
// own mount: a process killed meanwhile would wait for ever for the answer that it can no longer give.
void Session::become_live() {
  mounted_.begun.wait(false);
  raise_read_ahead(device_at(place_.point));
}

void Session::end(StopSignals& stop, std::thread& serving) {
  if (ended_.load()) return;
  // An unmount that waits makes the kernel write back and then ends the loop; while the mount is in use, it
  // is torn from its users, as any FUSE filesystem whose process ends.
  if (unmount(place_.point, Unmount::kUnlessBusy)) {
    wait_for_the_loop(stop, kUnmountPatience_ms);
  } else {
    log_warning(place_.point + " is still in use: its users get errors from now on");
    write_back(place_.point);
  }
  fuse_session_exit(session_);
  while (!ended_.load()) {
    ::pthread_kill(serving.native_handle(), SIGHUP);
    wait_for_the_loop(stop, 20);
  }
}

void Session::wait_for_the_loop(StopSignals& stop, int timeout_ms) {
  using std::chrono::milliseconds;
  using std::chrono::steady_clock;
  auto until = steady_clock::now() + milliseconds(timeout_ms);
  while (!ended_.load() && steady_clock::now() < until) stop.wait(std::min(timeout_ms, 20));
}

}  // namespace enfold
