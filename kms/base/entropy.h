// Where random bytes come from; a seam so that tests replay a seed.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace enfold {

class Entropy {
 public:
  Entropy() = default;
  Entropy(const Entropy&) = delete;
  Entropy& operator=(const Entropy&) = delete;
  virtual ~Entropy() = default;

  // Fills `out` with fresh random bytes. Thread-safe. Never fails: a process without randomness is ended.
  virtual void fill(std::span<std::uint8_t> out) = 0;
};

// getrandom(2) at each call; nothing is kept between calls, so a fork or a VM snapshot repeats nothing.
class SystemEntropy final : public Entropy {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

// Random bytes and random arrays by value.
template <std::size_t N>
std::array<std::uint8_t, N> random_array(Entropy& entropy) {
  std::array<std::uint8_t, N> out{};
  entropy.fill(out);
  return out;
}

template <class S>
S random_secret(Entropy& entropy) {
  S secret;
  entropy.fill(secret.expose_mutable());
  return secret;
}

}  // namespace enfold
