// RFC 4648 section 4, as blobs stand in JSON.
#pragma once

#include <optional>
#include <string_view>

#include "kms/base/bytes.h"

namespace enfold {

constexpr std::size_t base64_size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }

// Writes base64_size(bytes.size()) characters to `out`.
void encode_base64(ByteSpan bytes, char* out);

// How many bytes `text` decodes to, if it does. Nothing where its length is not a multiple of four.
std::optional<std::size_t> decoded_base64_size(std::string_view text);

// Fills `out`, of decoded_base64_size(text). False unless text is canonical: only the alphabet, padded,
// unused low bits zero. `out` may be written then, too.
bool decode_base64(std::string_view text, MutableByteSpan out);

}  // namespace enfold
