// A passphrase from a descriptor or a file, and what reads one only once.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "kms/crypto/wiped_bytes.h"
#include "kms/store/passphrase_source.h"

namespace enfold {

inline constexpr std::size_t kMaxPassphraseBytes = 1024;

struct PassphraseOrigin {
  std::optional<int> fd{};
  std::string file{};
  [[nodiscard]] bool is_given() const { return fd || !file.empty(); }
};

// Its first line, without the line end. What follows in a descriptor stays there. kInvalidArgument: it is
// longer than kMaxPassphraseBytes.
Result<WipedBytes> read_passphrase(const PassphraseOrigin& origin);

// Keeps what was read, or why it was not, and gives copies of it.
class ReadOncePassphrase : public PassphraseSource {
 public:
  Result<Bytes> passphrase() final;

 private:
  virtual Result<WipedBytes> read() = 0;

  std::optional<Result<WipedBytes>> known_;
};

}  // namespace enfold
