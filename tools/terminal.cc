#include "tools/terminal.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "kms/base/files.h"
#include "kms/store/passphrase_origin.h"

namespace enfold {
namespace {

// Signal characters are read as characters, so that no signal ends the program while the echo is off.
class QuietTerminal {
 public:
  explicit QuietTerminal(int fd) : fd_(fd) {
    ::tcgetattr(fd_, &before_);
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    ::tcsetattr(fd_, TCSAFLUSH, &quiet);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;
  ~QuietTerminal() { ::tcsetattr(fd_, TCSAFLUSH, &before_); }

 private:
  int fd_;
  termios before_{};
};

void say(int fd, const std::string& text) {
  if (::write(fd, text.data(), text.size()) < 0) return;  // the answer is read all the same
}

std::unexpected<Error> given_up() {
  return make_error(Errc::kInvalidArgument, "no passphrase was given; try again");
}

constexpr char kCtrlC = 3;
constexpr char kCtrlD = 4;
constexpr char kBackspace = 8;
constexpr char kCtrlU = 21;
constexpr char kDelete = 127;

Result<WipedBytes> read_answer(int fd) {
  WipedBytes answer(kMaxPassphraseBytes);
  std::size_t size = 0;
  for (;;) {
    char key = 0;
    const ssize_t got = ::read(fd, &key, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || key == kCtrlC || (key == kCtrlD && size == 0)) return given_up();
    if (key == '\n' || key == '\r' || key == kCtrlD) return WipedBytes(answer.expose().first(size));
    if (key == kDelete || key == kBackspace) {
      if (size > 0) --size;
    } else if (key == kCtrlU) {
      size = 0;
    } else if (size < answer.size()) {
      answer.expose_mutable()[size++] = static_cast<std::uint8_t>(key);
    } else {
      return make_error(Errc::kInvalidArgument, "the passphrase is too long; use at most 1024 bytes");
    }
  }
}

}  // namespace

Result<WipedBytes> prompt_for_secret(const std::string& what, const std::string& option) {
  const Fd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal.valid())
    return make_error(Errc::kInvalidArgument,
                      "the " + what + " is needed and there is no terminal to ask on; give it with " +
                          option + "-fd or " + option + "-file");
  const QuietTerminal quiet(
      terminal.get());  // first: whoever answers the prompt at once is not echoed, nor dropped
  say(terminal.get(), "enfold: " + what + ": ");
  auto answer = read_answer(terminal.get());
  say(terminal.get(), "\n");
  return answer;
}

}  // namespace enfold
