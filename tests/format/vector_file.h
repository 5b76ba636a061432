// The text of tests/vectors/format: one file for each structure, with a base and cases that each change one
// thing.
//
//     structure: marker            what to decode; then the fields that decoding takes
//     secret: 4041...              hexadecimal
//     size: 96                     the base: so many zero bytes ...
//     at: 0 454e464f...            ... with these bytes at this offset (decimal)
//
//     case: version-2              the base, with its own `size`, `at` and fields in place of the base's
//     at: 8 02
//     expect: unsupported format version 2      or: ok; the error's name and a part of its message
//     value: directory=...         only with ok: what was decoded
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kms/base/bytes.h"

namespace enfold::format_test {

using Fields = std::map<std::string, std::string>;

struct VectorCase {
  std::string name;
  Fields fields;  // the file's, replaced by the case's own
  Bytes bytes;
};

struct VectorFile {
  std::string structure;
  std::vector<VectorCase> cases;
};

// Ends the process with a message where the text is malformed: vectors are part of the test.
VectorFile parse_vectors(const std::string& text);

// The `size` and `at` lines that make `bytes` of `base`.
std::string patch_lines(ByteSpan base, ByteSpan bytes);

}  // namespace enfold::format_test
