// What a filesystem answered, in words that are the same for the same answer.
#pragma once

#include <cstring>
#include <string>

#include "tests/conformance/filesystem.h"

namespace enfold {

inline std::string describe(int errno_value) { return ::strerrorname_np(errno_value); }

inline std::string describe(const Result<void>& done) { return done ? "done" : describe(errno_value(done)); }

std::string octal(mode_t mode);
// Long strings by size and digest.
std::string describe(const std::string& bytes);
// Without what differs from one filesystem to the next: numbers, the size of a directory, times of the clock.
std::string describe(const struct stat& status);

template <class T>
std::string describe(const Result<T>& value) {
  return value ? describe(*value) : describe(errno_value(value));
}

}  // namespace enfold
