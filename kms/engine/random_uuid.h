// Random (version 4) UUIDs: RFC 9562 section 5.4, 122 random bits.
#pragma once

#include <array>
#include <cstdint>

#include "kms/base/entropy.h"

namespace enfold {

// As text: uuid_text() (ciphertext_blob.h).
std::array<std::uint8_t, 16> random_uuid(Entropy& entropy);

}  // namespace enfold
