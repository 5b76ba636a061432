// Is every read of an alias's row within its bounds, and does what was decoded encode alike?
#include <algorithm>
#include <cstdlib>

#include "kms/crypto/wiped_bytes.h"
#include "kms/engine/alias_row.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const enfold::ByteSpan input(data, size);
  auto alias = enfold::decode_alias(enfold::alias_row({"local", "000000000000"}, "alias/a"), input);
  if (alias && !std::ranges::equal(enfold::encode_alias(*alias).expose(), input)) std::abort();
  return 0;
}
