// AES-256-GCM (NIST SP 800-38D) with 96-bit nonces and 128-bit tags.
#pragma once

#include <array>
#include <initializer_list>
#include <memory>

#include "kms/base/bytes.h"
#include "kms/base/error.h"

namespace enfold {

inline constexpr std::size_t kGcmNonceBytes = 12;
inline constexpr std::size_t kGcmTagBytes = 16;
using GcmNonce = std::array<std::uint8_t, kGcmNonceBytes>;

// A keyed context. The key schedule is done once; each seal or open sets only the nonce. Not thread-safe: one
// context per thread. A nonce must never repeat under one key.
class Gcm {
 public:
  explicit Gcm(std::span<const std::uint8_t, 32> key);
  Gcm(Gcm&&) noexcept;
  Gcm& operator=(Gcm&&) noexcept;
  Gcm(const Gcm&) = delete;
  Gcm& operator=(const Gcm&) = delete;
  ~Gcm();

  // `ciphertext` has the size of `plaintext` and may be the same memory. Cannot fail but for a broken
  // library.
  void seal(ByteSpan nonce, ByteSpan associated, ByteSpan plaintext, MutableByteSpan ciphertext,
            std::span<std::uint8_t, kGcmTagBytes> tag);

  // False where the tag does not verify; `plaintext` is then wiped. It has the size of `ciphertext` and may
  // be the same memory.
  [[nodiscard]] bool open(ByteSpan nonce, ByteSpan associated, ByteSpan ciphertext,
                          std::span<const std::uint8_t, kGcmTagBytes> tag, MutableByteSpan plaintext);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// One message under a key that is used for nothing else, at half the cost of a Gcm. The associated data is
// the concatenation of its parts; the rest is as for Gcm.
void seal_gcm(std::span<const std::uint8_t, 32> key, ByteSpan nonce,
              std::initializer_list<ByteSpan> associated, ByteSpan plaintext, MutableByteSpan ciphertext,
              std::span<std::uint8_t, kGcmTagBytes> tag);
[[nodiscard]] bool open_gcm(std::span<const std::uint8_t, 32> key, ByteSpan nonce,
                            std::initializer_list<ByteSpan> associated, ByteSpan ciphertext,
                            std::span<const std::uint8_t, kGcmTagBytes> tag, MutableByteSpan plaintext);

}  // namespace enfold
