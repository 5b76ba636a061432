// Is every read of a key row within its bounds, and does what was decoded encode alike? A row of version 1
// becomes one of version 2, which does.
#include <algorithm>
#include <cstdlib>

#include "kms/engine/key_row.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const enfold::ByteSpan input(data, size);
  auto key = enfold::decode_key({}, input);
  if (!key) return 0;
  const enfold::WipedBytes encoded = enfold::encode_key(*key);
  if (input[0] == 2 && !std::ranges::equal(encoded.expose(), input)) std::abort();
  auto again = enfold::decode_key({}, encoded.expose());
  if (!again || !std::ranges::equal(enfold::encode_key(*again).expose(), encoded.expose())) std::abort();
  return 0;
}
