// An envelope slot of any bytes, without its MAC.
#include "tests/format/fuzz.h"

using namespace enfold;
using namespace enfold::format_test;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MacKey key;
  static const Bytes prefix(kPrefixBytes);
  std::array<std::uint8_t, kSlotBytes> slot{};
  fill_from(slot, {data, size});
  const auto envelope = decode_slot_unverified(slot);
  if (!envelope || !*envelope) return 0;
  std::array<std::uint8_t, kSlotBytes> again{};
  require(encode_slot(**envelope, {prefix, 0, key}, again).has_value());
  require(std::equal(slot.begin(), slot.end() - 32, again.begin()));
  require(decode_slot(again, {prefix, 0, key}).value() == *envelope);
  return 0;
}
