#include "kms/crypto/sealed_box.h"

#include <openssl/crypto.h>

#include <cstdlib>

#include "kms/base/secret.h"
#include "kms/crypto/gcm.h"
#include "kms/crypto/hkdf.h"

namespace enfold {
namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kPublicBytes = kSaltBytes + kGcmNonceBytes;

CallKey key_of(Label label, ByteSpan key, ByteSpan box) {
  return derive<CallKey>(label, key, box.first(kSaltBytes), {});
}

}  // namespace

void wipe(MutableByteSpan bytes) noexcept {
  if (!bytes.empty()) OPENSSL_cleanse(bytes.data(), bytes.size());
}

void seal_box(Label label, ByteSpan key, const AssociatedParts& associated, ByteSpan plaintext,
              Entropy& entropy, MutableByteSpan box) {
  if (box.size() != plaintext.size() + kBoxOverheadBytes) std::abort();
  entropy.fill(box.first(kPublicBytes));
  seal_gcm(key_of(label, key, box).expose(), box.subspan(kSaltBytes, kGcmNonceBytes),
           {associated[0], associated[1], box.first(kPublicBytes)}, plaintext, box.subspan(kBoxOverheadBytes),
           box.subspan<kPublicBytes, kGcmTagBytes>());
}

void append_box(Label label, ByteSpan key, ByteSpan associated, ByteSpan plaintext, Entropy& entropy,
                Bytes& out) {
  Bytes box(plaintext.size() + kBoxOverheadBytes);
  seal_box(label, key, {associated, {}}, plaintext, entropy, box);
  out.insert(out.end(), box.begin(), box.end());
}

std::optional<WipedBytes> open_box(Label label, ByteSpan key, const AssociatedParts& associated,
                                   ByteSpan box) {
  if (box.size() < kBoxOverheadBytes) return std::nullopt;
  WipedBytes plaintext(box.size() - kBoxOverheadBytes);
  const bool verified =
      open_gcm(key_of(label, key, box).expose(), box.subspan(kSaltBytes, kGcmNonceBytes),
               {associated[0], associated[1], box.first(kPublicBytes)}, box.subspan(kBoxOverheadBytes),
               box.subspan<kPublicBytes, kGcmTagBytes>(), plaintext.expose_mutable());
  if (!verified) return std::nullopt;
  return plaintext;
}

}  // namespace enfold
