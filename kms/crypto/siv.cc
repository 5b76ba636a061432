#include "kms/crypto/siv.h"

#include "kms/crypto/libcrypto.h"

namespace enfold {
namespace {

using libcrypto::length;
using libcrypto::require;

const EVP_CIPHER* aes_256_siv() {
  static const EVP_CIPHER* const instance =
      libcrypto::fetched(EVP_CIPHER_fetch(nullptr, "AES-256-SIV", nullptr));
  return instance;
}

libcrypto::CipherContext copy_of(const EVP_CIPHER_CTX* keyed) {
  libcrypto::CipherContext copy(EVP_CIPHER_CTX_new());
  require(copy && EVP_CIPHER_CTX_copy(copy.get(), keyed) == 1);
  return copy;
}

// An empty vector of associated data still counts as one vector (RFC 5297 section 2.4), so it is passed on
// with a pointer that is not null.
const std::uint8_t kNothing = 0;
const std::uint8_t* data_of(ByteSpan bytes) { return bytes.empty() ? &kNothing : bytes.data(); }

// One pass over associated data and text; the final call's answer is the verdict in both directions.
bool run(EVP_CIPHER_CTX* context, ByteSpan associated, ByteSpan in, std::uint8_t* out) {
  int done = 0;
  require(EVP_CipherUpdate(context, nullptr, &done, data_of(associated), length(associated.size())) == 1);
  if (EVP_CipherUpdate(context, out, &done, in.data(), length(in.size())) != 1) return false;
  std::uint8_t none = 0;
  return EVP_CipherFinal_ex(context, &none, &done) == 1;
}

}  // namespace

struct Siv::Context {
  libcrypto::CipherContext sealing{EVP_CIPHER_CTX_new()};
  libcrypto::CipherContext opening{EVP_CIPHER_CTX_new()};
};

Siv::Siv(std::span<const std::uint8_t, 64> key) : context_(std::make_unique<Context>()) {
  require(context_->sealing && context_->opening);
  require(EVP_EncryptInit_ex2(context_->sealing.get(), aes_256_siv(), key.data(), nullptr, nullptr) == 1);
  require(EVP_DecryptInit_ex2(context_->opening.get(), aes_256_siv(), key.data(), nullptr, nullptr) == 1);
}

Siv::Siv(Siv&&) noexcept = default;
Siv& Siv::operator=(Siv&&) noexcept = default;
Siv::~Siv() = default;

Bytes Siv::seal(ByteSpan associated, ByteSpan plaintext) const {
  require(!plaintext.empty());
  libcrypto::CipherContext context = copy_of(context_->sealing.get());
  Bytes sealed(kSivTagBytes + plaintext.size());
  require(run(context.get(), associated, plaintext, sealed.data() + kSivTagBytes));
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kSivTagBytes, sealed.data()) == 1);
  return sealed;
}

std::optional<Bytes> Siv::open(ByteSpan associated, ByteSpan sealed) const {
  if (sealed.size() <= kSivTagBytes) return std::nullopt;
  libcrypto::CipherContext context = copy_of(context_->opening.get());
  Bytes tag(sealed.begin(), sealed.begin() + kSivTagBytes);
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kSivTagBytes, tag.data()) == 1);
  ByteSpan ciphertext = sealed.subspan(kSivTagBytes);
  Bytes plaintext(ciphertext.size());
  if (!run(context.get(), associated, ciphertext, plaintext.data())) return std::nullopt;
  return plaintext;
}

}  // namespace enfold
