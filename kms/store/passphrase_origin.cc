#include "kms/store/passphrase_origin.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "kms/base/files.h"

namespace enfold {
namespace {

Result<WipedBytes> read_line(int fd, const std::string& where) {
  WipedBytes buffer(kMaxPassphraseBytes + 1);
  for (std::size_t size = 0; size < buffer.size(); ++size) {
    ssize_t got = -1;
    do got = ::read(fd, buffer.expose_mutable().data() + size, 1);
    while (got < 0 && errno == EINTR);
    if (got < 0) return system_error(errno, "reading the passphrase from " + where);
    if (got == 0 || buffer.expose()[size] == '\n') return WipedBytes(buffer.expose().first(size));
  }
  return make_error(Errc::kInvalidArgument, "the passphrase from " + where + " is longer than " +
                                                std::to_string(kMaxPassphraseBytes) +
                                                " bytes; use a shorter one");
}

}  // namespace

Result<WipedBytes> read_passphrase(const PassphraseOrigin& origin) {
  if (origin.fd) return read_line(*origin.fd, "descriptor " + std::to_string(*origin.fd));
  const Fd fd(::open(origin.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return system_error(errno, "opening the passphrase file " + origin.file);
  return read_line(fd.get(), origin.file);
}

Result<Bytes> ReadOncePassphrase::passphrase() {
  if (!known_) known_.emplace(read());
  if (!*known_) return std::unexpected(known_->error());
  const ByteSpan bytes = (*known_)->expose();
  return Bytes(bytes.begin(), bytes.end());
}

}  // namespace enfold
