// Decodes the bytes of a vector as its file's structure, and says in one line what was decoded.
#pragma once

#include "kms/base/error.h"
#include "tests/format/vector_file.h"

namespace enfold::format_test {

Result<std::string> decode_vector(const std::string& structure, const VectorCase& vector);

}  // namespace enfold::format_test
