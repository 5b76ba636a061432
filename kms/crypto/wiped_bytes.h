// Secret bytes of any length, where a Secret of fixed size does not fit: the plaintext of a KMS call, a
// decoded store row. Wiped when they go; on the ordinary heap, so neither locked nor kept out of core dumps
// (which main() turns off). Move-only, and like a Secret not printable by accident: reading takes expose().
#pragma once

#include <memory>
#include <utility>

#include "kms/base/bytes.h"

namespace enfold {

void wipe(MutableByteSpan bytes) noexcept;

class WipedBytes {
 public:
  WipedBytes() = default;
  explicit WipedBytes(std::size_t size) : memory_(std::make_unique<std::uint8_t[]>(size)), size_(size) {}
  explicit WipedBytes(ByteSpan bytes) : WipedBytes(bytes.size()) { std::ranges::copy(bytes, memory_.get()); }
  WipedBytes(WipedBytes&& other) noexcept
      : memory_(std::move(other.memory_)), size_(std::exchange(other.size_, 0)) {}
  WipedBytes& operator=(WipedBytes&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    return *this;
  }
  WipedBytes(const WipedBytes&) = delete;
  WipedBytes& operator=(const WipedBytes&) = delete;
  ~WipedBytes() { wipe(expose_mutable()); }

  [[nodiscard]] ByteSpan expose() const { return {memory_.get(), size_}; }
  [[nodiscard]] MutableByteSpan expose_mutable() { return {memory_.get(), size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::unique_ptr<std::uint8_t[]> memory_;
  std::size_t size_ = 0;
};

}  // namespace enfold
