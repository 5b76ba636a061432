// AES-256-SIV (RFC 5297), deterministic authenticated encryption under a 64-byte key.
#pragma once

#include <memory>
#include <optional>

#include "kms/base/bytes.h"
#include "kms/base/error.h"

namespace enfold {

inline constexpr std::size_t kSivTagBytes = 16;

// Thread-safe: each call works on a copy of the keyed context (cheaper than keying one).
class Siv {
 public:
  explicit Siv(std::span<const std::uint8_t, 64> key);
  Siv(Siv&&) noexcept;
  Siv& operator=(Siv&&) noexcept;
  Siv(const Siv&) = delete;
  Siv& operator=(const Siv&) = delete;
  ~Siv();

  // Synthetic IV, then ciphertext: plaintext.size() + 16 bytes. One vector of associated data, which may be
  // empty. `plaintext` is never empty: OpenSSL 3.0 cannot seal nothing, and no name is empty.
  [[nodiscard]] Bytes seal(ByteSpan associated, ByteSpan plaintext) const;

  // Nothing where it does not verify.
  [[nodiscard]] std::optional<Bytes> open(ByteSpan associated, ByteSpan sealed) const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace enfold
