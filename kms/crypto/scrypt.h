// scrypt (RFC 7914), the only way a passphrase becomes a key.
#pragma once

#include "kms/base/bytes.h"
#include "kms/base/error.h"

namespace enfold {

struct ScryptCost {
  std::uint64_t n = 1U << 17;
  std::uint32_t r = 8;
  std::uint32_t p = 1;
};

// kInvalidArgument where the cost is out of bounds (n a power of two from 2 to 2^22, r 1 to 32, p 1 to 16): a
// forged cost must not take all memory. Runs for about half a second and 128 MiB at the default.
Result<void> scrypt(ByteSpan passphrase, ByteSpan salt, const ScryptCost& cost, MutableByteSpan out);

}  // namespace enfold
