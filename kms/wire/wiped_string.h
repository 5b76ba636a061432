// Text that may hold key material on its way through JSON and HTTP: every buffer that it ever had is wiped
// when it is freed. What a library copies elsewhere is beyond it (kms/README.md, "Where key material goes").
#pragma once

#include <string>

#include "kms/crypto/wiped_bytes.h"

namespace enfold {

template <class T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  // Implicit, as the requirements of an allocator have it.
  template <class U>
  WipingAllocator(const WipingAllocator<U>& /*other*/) noexcept {}  // NOLINT(google-explicit-constructor)

  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* memory, std::size_t count) noexcept {
    wipe({reinterpret_cast<std::uint8_t*>(memory), count * sizeof(T)});
    std::allocator<T>().deallocate(memory, count);
  }
  friend bool operator==(const WipingAllocator&, const WipingAllocator&) { return true; }
};

// A short text lies inside the object and is not wiped: keep such an object only where a short text is no
// secret.
using WipedString = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;

}  // namespace enfold
