// Is every read of a key row within its bounds, and does what was decoded encode alike?
#include <algorithm>
#include <cstdlib>

#include "kms/engine/key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const enfold::ByteSpan input(data, size);
  auto key = enfold::decode_key({}, input);
  if (key && !std::ranges::equal(enfold::encode_key(*key).expose(), input)) std::abort();
  return 0;
}
