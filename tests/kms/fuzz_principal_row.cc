// Is every read of a principal's row within its bounds, and does what was decoded encode alike?
#include <cstdlib>

#include "kms/crypto/wiped_bytes.h"
#include "kms/engine/principal_row.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const enfold::ByteSpan input(data, size);
  auto principal = enfold::decode_principal(enfold::principal_row("000000000000", "name"), input);
  if (principal && !std::ranges::equal(enfold::encode_principal(*principal).expose(), input)) std::abort();
  return 0;
}
