// What every test of a parser asks.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "kms/base/error.h"

namespace enfold::format_test {

template <class T>
void expect_error(const Result<T>& result, Errc code, std::string_view fragment) {
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(name_of(result.error().code), name_of(code));
  EXPECT_NE(result.error().message.find(fragment), std::string::npos) << result.error().message;
}

template <class T>
void expect_damaged(const Result<T>& result, std::string_view fragment) {
  expect_error(result, Errc::kDamaged, fragment);
}

// Changes each byte of `bytes` in turn, by one bit that differs from byte to byte, and expects that
// `is_refused`.
template <class Container>
void expect_each_flip_refused(Container bytes, const std::function<bool(const Container&)>& is_refused) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto bit = static_cast<std::uint8_t>(1U << (i % 8));
    bytes[i] ^= bit;
    EXPECT_TRUE(is_refused(bytes)) << "byte " << i << ", bit " << i % 8;
    bytes[i] ^= bit;
  }
}

}  // namespace enfold::format_test
