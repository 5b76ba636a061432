// HKDF-SHA256 (RFC 5869) and HMAC-SHA256 (RFC 2104), SHA-256 (FIPS 180-4), and comparison in constant time.
#pragma once

#include <array>
#include <initializer_list>

#include "kms/base/bytes.h"
#include "kms/base/secret.h"
#include "kms/crypto/labels.h"

namespace enfold {

using Digest = std::array<std::uint8_t, 32>;

// RFC 5869 as it stands, for the vectors; derive() below is what the project calls. `out` at most 8,160
// bytes.
void hkdf_sha256(ByteSpan key, ByteSpan salt, ByteSpan info, MutableByteSpan out);

// HKDF with info = length of the label (u16) | label | context.
void derive_bytes(Label label, ByteSpan key, ByteSpan salt, ByteSpan context, MutableByteSpan out);

// derive<ContentKey>(Label::kContent, file_key.expose(), {}, epoch_bytes)
template <class S>
S derive(Label label, ByteSpan key, ByteSpan salt, ByteSpan context) {
  S secret;
  derive_bytes(label, key, salt, context, secret.expose_mutable());
  return secret;
}

// The two steps of derive_bytes() apart, for a key and salt from which many keys come.
PseudorandomKey extract(ByteSpan key, ByteSpan salt);
void expand_bytes(Label label, const PseudorandomKey& from, ByteSpan context, MutableByteSpan out);

template <class S>
S expand(Label label, const PseudorandomKey& from, ByteSpan context) {
  S secret;
  expand_bytes(label, from, context, secret.expose_mutable());
  return secret;
}

// HMAC over the concatenation of the parts; the caller makes the concatenation unambiguous.
Digest hmac_sha256(ByteSpan key, std::initializer_list<ByteSpan> parts);
Digest sha256(std::initializer_list<ByteSpan> parts);

[[nodiscard]] bool equal_in_constant_time(ByteSpan a, ByteSpan b) noexcept;

}  // namespace enfold
