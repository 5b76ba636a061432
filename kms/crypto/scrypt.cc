#include "kms/crypto/scrypt.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>

#include <bit>

#include "kms/crypto/libcrypto.h"

namespace enfold {
namespace {

constexpr std::uint64_t kMaxMemoryBytes = std::uint64_t{2} << 30;

bool in_bounds(const ScryptCost& cost) {
  return std::has_single_bit(cost.n) && cost.n >= 2 && cost.n <= (1U << 22) && cost.r >= 1 && cost.r <= 32 &&
         cost.p >= 1 && cost.p <= 16 && 128 * cost.n * cost.r <= kMaxMemoryBytes;
}

libcrypto::KdfContext new_context() {
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, "SCRYPT", nullptr);
  libcrypto::KdfContext context(EVP_KDF_CTX_new(kdf));
  EVP_KDF_free(kdf);
  libcrypto::require(context != nullptr);
  return context;
}

OSSL_PARAM octets(const char* name, ByteSpan bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

Result<void> scrypt(ByteSpan passphrase, ByteSpan salt, const ScryptCost& cost, MutableByteSpan out) {
  if (!in_bounds(cost)) return make_error(Errc::kInvalidArgument, "scrypt cost parameters are out of bounds");
  static const std::uint8_t nothing = 0;
  if (passphrase.empty()) passphrase = ByteSpan(&nothing, 0);
  if (salt.empty()) salt = ByteSpan(&nothing, 0);
  ScryptCost copy = cost;
  std::uint64_t memory_bytes = kMaxMemoryBytes + (std::uint64_t{1} << 20);
  std::array params{octets(OSSL_KDF_PARAM_PASSWORD, passphrase),
                    octets(OSSL_KDF_PARAM_SALT, salt),
                    OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &copy.n),
                    OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &copy.r),
                    OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &copy.p),
                    OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory_bytes),
                    OSSL_PARAM_construct_end()};
  if (EVP_KDF_derive(new_context().get(), out.data(), out.size(), params.data()) != 1)
    return make_error(Errc::kInvalidArgument, "scrypt failed: not enough memory for the cost parameters");
  return {};
}

}  // namespace enfold
