#include "kms/store/multiset_hash.h"

namespace enfold {

void MultisetHash::add(const Digest& element) {
  unsigned carry = 0;
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    carry += unsigned{sum_[i]} + element[i];
    sum_[i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
}

// Adds the complement plus one.
void MultisetHash::remove(const Digest& element) {
  unsigned carry = 1;
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    carry += unsigned{sum_[i]} + static_cast<std::uint8_t>(~element[i]);
    sum_[i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
}

}  // namespace enfold
