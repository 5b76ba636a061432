// Key material as types. A Secret is move-only, lives in locked memory, is wiped when it goes, and cannot be
// printed, compared, iterated or copied by accident: reading one takes a call of expose(), which a text
// search finds. Each purpose is its own class, so that a name key cannot be passed where a content key is
// due.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "kms/base/secret_memory.h"

namespace enfold {

template <class Purpose, std::size_t N>
class Secret {
  static_assert(N <= kMaxSecretBytes);

 public:
  static constexpr std::size_t kSize = N;

  Secret() : memory_(static_cast<std::uint8_t*>(allocate_secret())) {}  // all zero
  explicit Secret(std::span<const std::uint8_t, N> bytes) : Secret() { std::ranges::copy(bytes, memory_); }
  Secret(Secret&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)) {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(memory_, other.memory_);
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { free_secret(memory_); }

  [[nodiscard]] Secret copy() const { return Secret(expose()); }

  // A moved-from secret must not be exposed.
  [[nodiscard]] std::span<const std::uint8_t, N> expose() const {
    return std::span<const std::uint8_t, N>(memory_, N);
  }
  [[nodiscard]] std::span<std::uint8_t, N> expose_mutable() { return std::span<std::uint8_t, N>(memory_, N); }

 private:
  std::uint8_t* memory_;
};

using RootKey = Secret<struct RootKeyPurpose, 32>;          // seals the rows of a KMS store
using KeyMaterial = Secret<struct KeyMaterialPurpose, 32>;  // one version of a KMS key
using CallKey = Secret<struct CallKeyPurpose, 32>;          // seals one KMS ciphertext blob or store row
using PseudorandomKey = Secret<struct PseudorandomKeyPurpose, 32>;  // HKDF's, between its two steps
using DataKey = Secret<struct DataKeyPurpose, 32>;                  // a file's DEK as the KMS gives it
using VolumeSecret = Secret<struct VolumeSecretPurpose, 32>;        // mixed into every key of a volume
using FileKey = Secret<struct FileKeyPurpose, 32>;            // DataKey and VolumeSecret, bound to one header
using ContentKey = Secret<struct ContentKeyPurpose, 32>;      // seals the sectors of one key epoch
using NameKey = Secret<struct NameKeyPurpose, 64>;            // AES-256-SIV over names
using XattrNameKey = Secret<struct XattrNameKeyPurpose, 64>;  // AES-256-SIV over xattr names of one file
using XattrValueKey = Secret<struct XattrValueKeyPurpose, 32>;  // xattr values of one file
using SpecialKey = Secret<struct SpecialKeyPurpose, 32>;        // one special object
using MacKey = Secret<struct MacKeyPurpose, 32>;                // slots, state records, markers, config

}  // namespace enfold
