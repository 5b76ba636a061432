// Where a passphrase comes from: a prompt, a descriptor, a test.
#pragma once

#include "kms/base/bytes.h"
#include "kms/base/error.h"

namespace enfold {

// Asked only when it is needed; answers the same each time, an error too. The receiver wipes what it got.
class PassphraseSource {
 public:
  PassphraseSource() = default;
  PassphraseSource(const PassphraseSource&) = delete;
  PassphraseSource& operator=(const PassphraseSource&) = delete;
  virtual ~PassphraseSource() = default;
  virtual Result<Bytes> passphrase() = 0;
};

}  // namespace enfold
