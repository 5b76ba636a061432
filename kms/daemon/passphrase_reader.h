// A passphrase from a descriptor or a file: a service has nobody to ask.
#pragma once

#include <optional>
#include <string>

#include "kms/crypto/wiped_bytes.h"
#include "kms/store/passphrase_source.h"

namespace enfold {

struct PassphraseOrigin {
  std::optional<int> fd;
  std::string file;
};

// Its first line, at most 1,024 bytes, read once; gives copies.
class PassphraseReader final : public PassphraseSource {
 public:
  explicit PassphraseReader(PassphraseOrigin origin) : origin_(std::move(origin)) {}
  Result<Bytes> passphrase() override;

 private:
  Result<WipedBytes> read();

  PassphraseOrigin origin_;
  std::optional<WipedBytes> known_;
};

}  // namespace enfold
