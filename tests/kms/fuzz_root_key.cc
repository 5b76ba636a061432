// Is every read of a root key file or an export within its bounds, and does what was parsed encode alike?
#include <cstdlib>
#include <tuple>

#include "kms/store/export_file.h"
#include "kms/store/root_key_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const enfold::ByteSpan input(data, size);
  if (auto file = enfold::parse_root_key_file(input); file && enfold::encode_head(*file) != file->head)
    std::abort();
  std::ignore = enfold::parse_export_head(input);
  return 0;
}
