// What the files of this folder share: OpenSSL objects as owned types, and the algorithms, fetched once.
// Not for use outside kms/crypto.
#pragma once

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <cstdlib>
#include <memory>

namespace enfold::libcrypto {

template <auto kFree>
struct Freer {
  template <class T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Freer<EVP_CIPHER_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, Freer<EVP_KDF_CTX_free>>;

// For calls that fail only where the library is broken or memory is out: going on would mean unencrypted or
// unauthenticated bytes, so the process ends.
inline void require(bool ok) {
  if (!ok) std::abort();
}

// EVP takes lengths as int.
inline int length(std::size_t size) {
  require(size <= 0x7fffffff);
  return static_cast<int>(size);
}

// A fetch searches the providers under a lock and costs more than a short HMAC, so each algorithm is fetched
// once for the process and never freed: contexts in static objects may outlive any static.
template <class T>
T* fetched(T* algorithm) {
  require(algorithm != nullptr);
  return algorithm;
}

inline const EVP_MD* sha256() {
  static const EVP_MD* const instance = fetched(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  return instance;
}

}  // namespace enfold::libcrypto
