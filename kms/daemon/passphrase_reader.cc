#include "kms/daemon/passphrase_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "kms/base/files.h"

namespace enfold {
namespace {

constexpr std::size_t kMaxPassphraseBytes = 1024;

Result<WipedBytes> read_line(int fd, const std::string& where) {
  WipedBytes buffer(kMaxPassphraseBytes + 1);
  for (std::size_t size = 0; size < buffer.size(); ++size) {
    ssize_t got = -1;
    do got = ::read(fd, buffer.expose_mutable().data() + size, 1);
    while (got < 0 && errno == EINTR);
    if (got < 0) return system_error(errno, "reading the passphrase from " + where);
    if (got == 0 || buffer.expose()[size] == '\n') return WipedBytes(buffer.expose().first(size));
  }
  return make_error(Errc::kInvalidArgument,
                    "the passphrase from " + where + " is longer than 1024 bytes; use a shorter one");
}

}  // namespace

Result<WipedBytes> PassphraseReader::read() {
  if (origin_.fd) return read_line(*origin_.fd, "descriptor " + std::to_string(*origin_.fd));
  if (origin_.file.empty())
    return make_error(Errc::kInvalidArgument,
                      "the store is sealed by a passphrase; give --passphrase-fd or --passphrase-file");
  const Fd fd(::open(origin_.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return system_error(errno, "opening the passphrase file " + origin_.file);
  return read_line(fd.get(), origin_.file);
}

Result<Bytes> PassphraseReader::passphrase() {
  if (!known_) {
    ENFOLD_TRY_ASSIGN(known_, read());
  }
  const ByteSpan bytes = known_->expose();
  return Bytes(bytes.begin(), bytes.end());
}

}  // namespace enfold
