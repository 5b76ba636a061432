// A header page of any bytes, and a valid one with edits, its MACs put right again or not.
#include "tests/format/fuzz.h"

using namespace enfold;
using namespace enfold::format_test;

namespace {

HeaderPage page_from(ByteSpan input) {
  static const HeaderPage samples[] = {sample_header(), sample_header_between()};
  const std::uint8_t choice = take_choice(input);
  HeaderPage page{};
  if (choice % 16 == 0) {
    fill_from(page, input);
    return page;
  }
  page = samples[(choice & 8) != 0 ? 1 : 0];
  lay_over(page, input);
  if ((choice & 1) != 0) reseal_slot(page, 0);
  if ((choice & 2) != 0) reseal_slot(page, 1);
  if ((choice & 4) != 0) reseal_state(page);
  return page;
}

// What was decoded, written over a copy of the page, changes nothing.
void check_rewrite(const HeaderPage& page, const Header& header, const VolumeKeys& keys) {
  HeaderPage again = page;
  encode_prefix(header.prefix, prefix_of(again));
  set_commitment(header.prefix.commitment, prefix_of(again));
  const MacKey slot_key = keys.slot_mac(header.prefix.file);
  require(encode_slot(header.envelope, {prefix_of(again), header.slot_index, slot_key},
                      slot_of(again, header.slot_index))
              .has_value());
  if (header.former) {
    const std::uint8_t index = header.state.former->slot_index;
    require(
        encode_slot(*header.former, {prefix_of(again), index, slot_key}, slot_of(again, index)).has_value());
  }
  encode_state(header.state, prefix_of(again), keys.state_mac(header.prefix.file), state_of(again));
  require(again == page);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const VolumeKeys keys = sample_keys();
  const HeaderPage page = page_from({data, size});
  const Result<Header> header = decode_header(page, keys);
  if (header) check_rewrite(page, *header, keys);
  return 0;
}
