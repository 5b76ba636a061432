#include "fs/mount/background.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "kms/base/files.h"

namespace enfold {
namespace {

constexpr std::size_t kMaxReport_bytes = 64 * 1024;
constexpr std::uint8_t kReadyTag = 1;
constexpr std::uint8_t kErrorTag = 2;

// A report is a tag, and after kErrorTag the error's code, errno value and message.
Bytes encode(const Error& error) {
  Bytes out(2 * sizeof(std::uint8_t) + sizeof(std::uint32_t) + error.message.size());
  ByteWriter writer(out);
  writer.u8(kErrorTag);
  writer.u8(static_cast<std::uint8_t>(error.code));
  writer.u32(static_cast<std::uint32_t>(error.errno_value));
  writer.bytes(as_bytes(error.message));
  return out;
}

void send(int descriptor, ByteSpan report) {
  while (!report.empty()) {
    ssize_t written = ::write(descriptor, report.data(), report.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    report = report.subspan(static_cast<std::size_t>(written));
  }
}

Bytes receive(int descriptor) {
  Bytes out(kMaxReport_bytes);
  std::size_t used = 0;
  while (used < out.size()) {
    ssize_t got = ::read(descriptor, out.data() + used, out.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    used += static_cast<std::size_t>(got);
  }
  out.resize(used);
  return out;
}

std::string how_it_ended(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

Result<void> hear_from(pid_t child, int descriptor) {
  Bytes report = receive(descriptor);
  ByteReader reader(report);
  std::uint8_t tag = reader.u8();
  if (tag == kReadyTag) return {};
  if (tag != kErrorTag) {
    return system_error(EOWNERDEAD, "the background process " + how_it_ended(child) + " before it was ready");
  }
  how_it_ended(child);
  Error error;
  error.code = static_cast<Errc>(reader.u8());
  error.errno_value = static_cast<int>(reader.u32());
  error.message = as_string(reader.bytes(reader.remaining()));
  return std::unexpected(std::move(error));
}

void leave_terminal() {
  ::setsid();
  [[maybe_unused]] int moved = ::chdir("/");
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return;
  for (int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), stream);
}

Result<void> run_child(Fd report, const std::function<Result<void>(const Ready&)>& work) {
  // Nobody would hear of an error, and nobody would know of the mount.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  auto ready = [&report] {
    ::prctl(PR_SET_PDEATHSIG, 0);
    leave_terminal();
    send(report.get(), std::array{kReadyTag});
    report = Fd();
  };
  auto result = work(ready);
  if (!report.valid()) return result;
  if (!result) send(report.get(), encode(result.error()));
  ::_exit(EXIT_FAILURE);
}

}  // namespace

Result<void> in_background(const std::function<Result<void>(const Ready& ready)>& work) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error(errno, "pipe2");
  Fd reading(ends[0]);
  Fd writing(ends[1]);
  pid_t child = ::fork();
  if (child < 0) return system_error(errno, "fork");
  if (child == 0) {
    reading = Fd();
    return run_child(std::move(writing), work);
  }
  writing = Fd();
  return hear_from(child, reading.get());
}

}  // namespace enfold
