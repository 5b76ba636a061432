#include "kms/crypto/hkdf.h"

#include <openssl/crypto.h>

#include "kms/crypto/libcrypto.h"

namespace enfold {
namespace {

using libcrypto::require;

constexpr std::size_t kBlockBytes = 64;  // of SHA-256's compression function
using Parts = std::span<const ByteSpan>;

// One context per thread: making one costs an allocation and more time than a short hash.
EVP_MD_CTX* thread_context() {
  thread_local const libcrypto::DigestContext context(EVP_MD_CTX_new());
  require(context != nullptr);
  return context.get();
}

void update(EVP_MD_CTX* context, ByteSpan bytes) {
  if (!bytes.empty()) require(EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1);
}

void hash(ByteSpan first, Parts rest, std::span<std::uint8_t, 32> out) {
  EVP_MD_CTX* context = thread_context();
  require(EVP_DigestInit_ex2(context, libcrypto::sha256(), nullptr) == 1);
  update(context, first);
  for (ByteSpan part : rest) update(context, part);
  require(EVP_DigestFinal_ex(context, out.data(), nullptr) == 1);
}

// RFC 2104: H(key ^ opad, H(key ^ ipad, text)). Written out over the digest because EVP_MAC sets itself up
// with named parameters on each call, which costs several times the hashing of a key derivation.
class Hmac {
 public:
  explicit Hmac(ByteSpan key) {
    std::array<std::uint8_t, kBlockBytes> block{};
    if (key.size() > kBlockBytes)
      hash(key, {}, std::span(block).first<32>());
    else
      std::ranges::copy(key, block.begin());
    for (std::size_t i = 0; i < kBlockBytes; ++i) {
      inner_[i] = block[i] ^ 0x36;
      outer_[i] = block[i] ^ 0x5c;
    }
    OPENSSL_cleanse(block.data(), block.size());
  }
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;
  ~Hmac() {
    OPENSSL_cleanse(inner_.data(), inner_.size());
    OPENSSL_cleanse(outer_.data(), outer_.size());
  }

  void operator()(Parts text, std::span<std::uint8_t, 32> out) const {
    Digest middle{};
    hash(inner_, text, middle);
    ByteSpan outer_text = middle;
    hash(outer_, {&outer_text, 1}, out);
    OPENSSL_cleanse(middle.data(), middle.size());
  }

 private:
  std::array<std::uint8_t, kBlockBytes> inner_{};
  std::array<std::uint8_t, kBlockBytes> outer_{};
};

using Info = std::array<ByteSpan, 3>;  // in parts

// RFC 5869 section 2.3.
void expand_info(const PseudorandomKey& from, const Info& info, MutableByteSpan out) {
  require(out.size() <= 255 * 32);
  Hmac hmac(from.expose());
  Digest block{};
  ByteSpan previous;
  for (std::uint8_t counter = 1; !out.empty(); ++counter) {
    std::array<ByteSpan, 5> text{previous, info[0], info[1], info[2], ByteSpan(&counter, 1)};
    hmac(text, block);
    previous = block;
    std::size_t taken = std::min(out.size(), block.size());
    std::ranges::copy(previous.first(taken), out.begin());
    out = out.subspan(taken);
  }
  OPENSSL_cleanse(block.data(), block.size());
}

}  // namespace

void hkdf_sha256(ByteSpan key, ByteSpan salt, ByteSpan info, MutableByteSpan out) {
  expand_info(extract(key, salt), {info, {}, {}}, out);
}

PseudorandomKey extract(ByteSpan key, ByteSpan salt) {
  PseudorandomKey out;
  Hmac{salt}({&key, 1}, out.expose_mutable());
  return out;
}

void expand_bytes(Label label, const PseudorandomKey& from, ByteSpan context, MutableByteSpan out) {
  std::string_view text = text_of(label);
  std::array<std::uint8_t, 2> text_length{static_cast<std::uint8_t>(text.size()),
                                          static_cast<std::uint8_t>(text.size() >> 8)};
  expand_info(from, {text_length, as_bytes(text), context}, out);
}

void derive_bytes(Label label, ByteSpan key, ByteSpan salt, ByteSpan context, MutableByteSpan out) {
  expand_bytes(label, extract(key, salt), context, out);
}

Digest hmac_sha256(ByteSpan key, std::initializer_list<ByteSpan> parts) {
  Digest out{};
  Hmac{key}({parts.begin(), parts.size()}, out);
  return out;
}

Digest sha256(std::initializer_list<ByteSpan> parts) {
  Digest out{};
  hash({}, {parts.begin(), parts.size()}, out);
  return out;
}

bool equal_in_constant_time(ByteSpan a, ByteSpan b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace enfold
