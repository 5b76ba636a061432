// A special object of any bytes and size, and any payload and kind under a valid tag.
#include "tests/format/fuzz.h"

using namespace enfold;
using namespace enfold::format_test;

namespace {

Bytes content_from(ByteSpan input) {
  const std::uint8_t choice = take_choice(input);
  if (choice % 8 == 0) return {input.begin(), input.end()};
  const auto kind = static_cast<std::uint16_t>(4064 + choice % 5);
  return seal_any_special(kind, kind, input);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const VolumeKeys keys = sample_keys();
  const Bytes content = content_from({data, size});
  const auto special = open_special(content, keys);
  if (!special) return 0;
  FixedEntropy nonce(ByteSpan(content).subspan(48, kGcmNonceBytes));
  require(seal_special(*special, keys, nonce) == content);
  return 0;
}
