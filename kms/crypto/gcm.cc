#include "kms/crypto/gcm.h"

#include <openssl/crypto.h>

#include "kms/crypto/libcrypto.h"

namespace enfold {
namespace {

using libcrypto::length;
using libcrypto::require;

const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* const instance =
      libcrypto::fetched(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
  return instance;
}

}  // namespace

// Two contexts, because turning one from sealing to opening would run the key schedule again.
struct Gcm::Context {
  libcrypto::CipherContext sealing{EVP_CIPHER_CTX_new()};
  libcrypto::CipherContext opening{EVP_CIPHER_CTX_new()};
};

Gcm::Gcm(std::span<const std::uint8_t, 32> key) : context_(std::make_unique<Context>()) {
  require(context_->sealing && context_->opening);
  require(EVP_EncryptInit_ex2(context_->sealing.get(), aes_256_gcm(), key.data(), nullptr, nullptr) == 1);
  require(EVP_DecryptInit_ex2(context_->opening.get(), aes_256_gcm(), key.data(), nullptr, nullptr) == 1);
}

Gcm::Gcm(Gcm&&) noexcept = default;
Gcm& Gcm::operator=(Gcm&&) noexcept = default;
Gcm::~Gcm() = default;

void Gcm::seal(ByteSpan nonce, ByteSpan associated, ByteSpan plaintext, MutableByteSpan ciphertext,
               std::span<std::uint8_t, kGcmTagBytes> tag) {
  require(nonce.size() == kGcmNonceBytes && ciphertext.size() == plaintext.size());
  EVP_CIPHER_CTX* context = context_->sealing.get();
  int done = 0;
  require(EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1);
  if (!associated.empty())
    require(EVP_EncryptUpdate(context, nullptr, &done, associated.data(), length(associated.size())) == 1);
  if (!plaintext.empty())
    require(EVP_EncryptUpdate(context, ciphertext.data(), &done, plaintext.data(),
                              length(plaintext.size())) == 1);
  std::uint8_t none = 0;
  require(EVP_EncryptFinal_ex(context, &none, &done) == 1);
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kGcmTagBytes, tag.data()) == 1);
}

bool Gcm::open(ByteSpan nonce, ByteSpan associated, ByteSpan ciphertext,
               std::span<const std::uint8_t, kGcmTagBytes> tag, MutableByteSpan plaintext) {
  require(nonce.size() == kGcmNonceBytes && ciphertext.size() == plaintext.size());
  EVP_CIPHER_CTX* context = context_->opening.get();
  std::array<std::uint8_t, kGcmTagBytes> expected{};
  std::ranges::copy(tag, expected.begin());
  int done = 0;
  require(EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1);
  if (!associated.empty())
    require(EVP_DecryptUpdate(context, nullptr, &done, associated.data(), length(associated.size())) == 1);
  if (!ciphertext.empty())
    require(EVP_DecryptUpdate(context, plaintext.data(), &done, ciphertext.data(),
                              length(ciphertext.size())) == 1);
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kGcmTagBytes, expected.data()) == 1);
  std::uint8_t none = 0;
  if (EVP_DecryptFinal_ex(context, &none, &done) == 1) return true;
  if (!plaintext.empty()) OPENSSL_cleanse(plaintext.data(), plaintext.size());
  return false;
}

}  // namespace enfold
