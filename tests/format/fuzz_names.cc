// A lower name of any bytes, and any plaintext under a valid synthetic IV.
#include "tests/format/fuzz.h"

using namespace enfold;
using namespace enfold::format_test;

namespace {

std::string name_from(ByteSpan input, const Siv& names) {
  if (take_choice(input) % 2 == 0 || input.empty()) return as_string(input);
  return to_base64url(names.seal(sample_directory().bytes, input));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const VolumeKeys keys = sample_keys();
  const std::string lower = name_from({data, size}, keys.names());
  const LowerNameKind kind = classify_lower_name(lower);
  const auto plain = decrypt_name(keys.names(), sample_directory(), lower);
  if (!plain) return 0;
  require(kind == LowerNameKind::kPlain);
  require(encrypt_name(keys.names(), sample_directory(), *plain).name == lower);
  return 0;
}
