#include "kms/base/entropy.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace enfold {

void SystemEntropy::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno != EINTR) std::abort();
    if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace enfold
