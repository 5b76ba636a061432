// Is every read of a ciphertext blob within its bounds, and is nothing accepted that was not sealed?
#include <cstdlib>

#include "kms/engine/ciphertext_blob.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const enfold::ByteSpan input(data, size);
  if (!enfold::read_blob_header(input)) return 0;
  if (enfold::open_blob(input, enfold::KeyMaterial(), {})) std::abort();
  return 0;
}
