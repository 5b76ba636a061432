#include "kms/engine/random_uuid.h"

namespace enfold {

std::array<std::uint8_t, 16> random_uuid(Entropy& entropy) {
  auto id = random_array<16>(entropy);
  id[6] = static_cast<std::uint8_t>((id[6] & 0x0f) | 0x40);  // version 4
  id[8] = static_cast<std::uint8_t>((id[8] & 0x3f) | 0x80);  // variant 10
  return id;
}

}  // namespace enfold
