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

using Parts = std::initializer_list<ByteSpan>;
using Key = std::span<const std::uint8_t, 32>;
using Tag = std::span<std::uint8_t, kGcmTagBytes>;
using ConstTag = std::span<const std::uint8_t, kGcmTagBytes>;

// `key` is null where the context has one.
void start(EVP_CIPHER_CTX* context, const std::uint8_t* key, ByteSpan nonce, bool sealing) {
  require(nonce.size() == kGcmNonceBytes);
  const EVP_CIPHER* cipher = key != nullptr ? aes_256_gcm() : nullptr;
  require(EVP_CipherInit_ex2(context, cipher, key, nonce.data(), sealing ? 1 : 0, nullptr) == 1);
}

void add_associated(EVP_CIPHER_CTX* context, Parts associated) {
  int done = 0;
  for (ByteSpan part : associated)
    if (!part.empty())
      require(EVP_CipherUpdate(context, nullptr, &done, part.data(), length(part.size())) == 1);
}

void run(EVP_CIPHER_CTX* context, ByteSpan in, MutableByteSpan out) {
  require(out.size() == in.size());
  int done = 0;
  if (!in.empty()) require(EVP_CipherUpdate(context, out.data(), &done, in.data(), length(in.size())) == 1);
}

void seal_started(EVP_CIPHER_CTX* context, Parts associated, ByteSpan plaintext, MutableByteSpan ciphertext,
                  Tag tag) {
  add_associated(context, associated);
  run(context, plaintext, ciphertext);
  std::uint8_t none = 0;
  int done = 0;
  require(EVP_EncryptFinal_ex(context, &none, &done) == 1);
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kGcmTagBytes, tag.data()) == 1);
}

bool open_started(EVP_CIPHER_CTX* context, Parts associated, ByteSpan ciphertext, ConstTag tag,
                  MutableByteSpan plaintext) {
  std::array<std::uint8_t, kGcmTagBytes> expected{};
  std::ranges::copy(tag, expected.begin());  // before the plaintext, which may be the same memory
  add_associated(context, associated);
  run(context, ciphertext, plaintext);
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kGcmTagBytes, expected.data()) == 1);
  std::uint8_t none = 0;
  int done = 0;
  if (EVP_DecryptFinal_ex(context, &none, &done) == 1) return true;
  if (!plaintext.empty()) OPENSSL_cleanse(plaintext.data(), plaintext.size());
  return false;
}

libcrypto::CipherContext new_context() {
  libcrypto::CipherContext context(EVP_CIPHER_CTX_new());
  require(context != nullptr);
  return context;
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

void Gcm::seal(ByteSpan nonce, ByteSpan associated, ByteSpan plaintext, MutableByteSpan ciphertext, Tag tag) {
  EVP_CIPHER_CTX* context = context_->sealing.get();
  start(context, nullptr, nonce, true);
  seal_started(context, {associated}, plaintext, ciphertext, tag);
}

bool Gcm::open(ByteSpan nonce, ByteSpan associated, ByteSpan ciphertext, ConstTag tag,
               MutableByteSpan plaintext) {
  EVP_CIPHER_CTX* context = context_->opening.get();
  start(context, nullptr, nonce, false);
  return open_started(context, {associated}, ciphertext, tag, plaintext);
}

void seal_gcm(Key key, ByteSpan nonce, Parts associated, ByteSpan plaintext, MutableByteSpan ciphertext,
              Tag tag) {
  const libcrypto::CipherContext context = new_context();
  start(context.get(), key.data(), nonce, true);
  seal_started(context.get(), associated, plaintext, ciphertext, tag);
}

bool open_gcm(Key key, ByteSpan nonce, Parts associated, ByteSpan ciphertext, ConstTag tag,
              MutableByteSpan plaintext) {
  const libcrypto::CipherContext context = new_context();
  start(context.get(), key.data(), nonce, false);
  return open_started(context.get(), associated, ciphertext, tag, plaintext);
}

}  // namespace enfold
