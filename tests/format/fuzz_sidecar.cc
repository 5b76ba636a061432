// A sidecar of any bytes, and any plaintext under a valid synthetic IV, behind the hashed name that names it.
#include "tests/format/fuzz.h"

using namespace enfold;
using namespace enfold::format_test;

namespace {

Bytes sidecar_from(ByteSpan input, const Siv& names) {
  if (take_choice(input) % 2 == 0 || input.empty()) return {input.begin(), input.end()};
  return names.seal(sample_directory().bytes, input);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const VolumeKeys keys = sample_keys();
  const Bytes sidecar = sidecar_from({data, size}, keys.names());
  const std::string lower = "enfold.long." + to_base64url(sha256({sidecar}));
  require(classify_lower_name(lower) == LowerNameKind::kHashed);
  require(classify_lower_name(sidecar_of(lower)) == LowerNameKind::kSidecar);
  const auto plain = decrypt_hashed_name(keys.names(), sample_directory(), lower, sidecar);
  if (!plain) return 0;
  const LowerName again = encrypt_name(keys.names(), sample_directory(), *plain);
  require(again.name == lower && again.sidecar == sidecar);
  return 0;
}
