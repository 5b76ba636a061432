#include "tools/passphrase.h"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>

#include "kms/base/files.h"
#include "kms/crypto/hkdf.h"
#include "tools/terminal.h"

namespace enfold {
namespace {

Result<WipedBytes> read_line_from(int fd, const std::string& where) {
  WipedBytes buffer(kMaxPassphraseBytes + 1);
  std::size_t size = 0;
  while (size < buffer.size()) {
    const ssize_t got = ::read(fd, buffer.expose_mutable().data() + size, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, "reading the passphrase from " + where);
    if (got == 0 || buffer.expose()[size] == '\n') return WipedBytes(buffer.expose().first(size));
    ++size;
  }
  return make_error(Errc::kInvalidArgument, "the passphrase from " + where + " is longer than " +
                                                std::to_string(kMaxPassphraseBytes) +
                                                " bytes; use a shorter one");
}

Result<WipedBytes> read_file_line(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return system_error(errno, "opening the passphrase file " + path);
  return read_line_from(fd.get(), path);
}

}  // namespace

void add_passphrase_options(CLI::App& command, PassphraseOptions& options, const std::string& word,
                            const std::string& what) {
  auto* fd =
      command
          .add_option("--" + word + "passphrase-fd", options.fd, "read the " + what + " from this descriptor")
          ->type_name("N");
  command.add_option("--" + word + "passphrase-file", options.file, "read the " + what + " from this file")
      ->type_name("FILE")
      ->excludes(fd);
}

Result<WipedBytes> ToolPassphrase::ask() {
  if (options_.fd) return read_line_from(*options_.fd, "descriptor " + std::to_string(*options_.fd));
  if (!options_.file.empty()) return read_file_line(options_.file);
  ENFOLD_TRY_ASSIGN(WipedBytes first, prompt_for_secret(what_));
  if (!confirm_) return first;
  ENFOLD_TRY_ASSIGN(const WipedBytes second, prompt_for_secret(what_ + ", again"));
  if (!equal_in_constant_time(first.expose(), second.expose()))
    return make_error(Errc::kInvalidArgument, "the two passphrases differ; try again");
  return first;
}

Result<Bytes> ToolPassphrase::passphrase() {
  if (!known_) {
    ENFOLD_TRY_ASSIGN(known_, ask());
  }
  const ByteSpan bytes = known_->expose();
  return Bytes(bytes.begin(), bytes.end());
}

}  // namespace enfold
