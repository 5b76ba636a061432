#include "kms/crypto/sealed_box.h"

#include <openssl/crypto.h>

#include "kms/base/secret.h"
#include "kms/crypto/gcm.h"
#include "kms/crypto/hkdf.h"

namespace enfold {
namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kPublicBytes = kSaltBytes + kGcmNonceBytes;

Gcm keyed_for(Label label, ByteSpan key, ByteSpan salt) {
  return Gcm(derive<CallKey>(label, key, salt, {}).expose());
}

Bytes associated_with(ByteSpan associated, ByteSpan salt_and_nonce) {
  Bytes joined;
  joined.reserve(associated.size() + salt_and_nonce.size());
  joined.insert(joined.end(), associated.begin(), associated.end());
  joined.insert(joined.end(), salt_and_nonce.begin(), salt_and_nonce.end());
  return joined;
}

}  // namespace

void wipe(MutableByteSpan bytes) noexcept {
  if (!bytes.empty()) OPENSSL_cleanse(bytes.data(), bytes.size());
}

void seal_box(Label label, ByteSpan key, ByteSpan associated, ByteSpan plaintext, Entropy& entropy,
              Bytes& out) {
  auto salt_and_nonce = random_array<kPublicBytes>(entropy);
  Bytes joined = associated_with(associated, salt_and_nonce);
  const std::size_t start = out.size();
  out.resize(start + kBoxOverheadBytes + plaintext.size());
  MutableByteSpan box = MutableByteSpan(out).subspan(start);
  std::ranges::copy(salt_and_nonce, box.begin());
  keyed_for(label, key, box.first(kSaltBytes))
      .seal(box.subspan(kSaltBytes, kGcmNonceBytes), joined, plaintext, box.subspan(kBoxOverheadBytes),
            box.subspan<kPublicBytes, kGcmTagBytes>());
}

std::optional<WipedBytes> open_box(Label label, ByteSpan key, ByteSpan associated, ByteSpan box) {
  if (box.size() < kBoxOverheadBytes) return std::nullopt;
  WipedBytes plaintext(box.size() - kBoxOverheadBytes);
  Bytes joined = associated_with(associated, box.first(kPublicBytes));
  bool verified = keyed_for(label, key, box.first(kSaltBytes))
                      .open(box.subspan(kSaltBytes, kGcmNonceBytes), joined, box.subspan(kBoxOverheadBytes),
                            box.subspan<kPublicBytes, kGcmTagBytes>(), plaintext.expose_mutable());
  if (!verified) return std::nullopt;
  return plaintext;
}

}  // namespace enfold
