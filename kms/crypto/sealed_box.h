// Encryption of one message under a long-lived key: salt 16 | nonce 12 | tag 16 | ciphertext. Each message
// has a key of its own, HKDF(key, salt, label), so that a long-lived key has no limit on how many messages it
// seals. Salt and nonce are in the associated data as well, after what the caller gives. Thread-safe.
#pragma once

#include <array>
#include <optional>

#include "kms/base/entropy.h"
#include "kms/crypto/labels.h"
#include "kms/crypto/wiped_bytes.h"

namespace enfold {

inline constexpr std::size_t kBoxOverheadBytes = 16 + 12 + 16;

using AssociatedParts = std::array<ByteSpan, 2>;  // stand for their concatenation

// Fills `box`, of plaintext.size() + kBoxOverheadBytes.
void seal_box(Label label, ByteSpan key, const AssociatedParts& associated, ByteSpan plaintext,
              Entropy& entropy, MutableByteSpan box);
// Appends the box to `out`. `associated` may be a view of `out`.
void append_box(Label label, ByteSpan key, ByteSpan associated, ByteSpan plaintext, Entropy& entropy,
                Bytes& out);

// Nothing where it does not verify under this label, key and associated data.
[[nodiscard]] std::optional<WipedBytes> open_box(Label label, ByteSpan key, const AssociatedParts& associated,
                                                 ByteSpan box);

}  // namespace enfold
