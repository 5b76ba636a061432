// Hexadecimal literals for vectors.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "kms/base/bytes.h"

namespace enfold {

inline Bytes hex(std::string_view text) {
  Bytes out;
  EXPECT_TRUE(from_hex(text, out)) << text;
  return out;
}

}  // namespace enfold
