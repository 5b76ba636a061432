// A config of any bytes and size, and a valid one with edits, its MACs put right again or not.
#include "tests/format/fuzz.h"

using namespace enfold;
using namespace enfold::format_test;

namespace {

Bytes file_from(ByteSpan input) {
  static const ConfigFile sample = sample_config_file();
  const std::uint8_t choice = take_choice(input);
  if (choice % 16 == 0) return {input.begin(), input.end()};
  ConfigFile file = sample;
  lay_over(file, input);
  if ((choice & 1) != 0) reseal_config_slot(file, 0);
  if ((choice & 2) != 0) reseal_config_slot(file, 1);
  if ((choice & 4) != 0) reseal_config_state(file);
  return {file.begin(), file.end()};
}

bool is_in(const Envelope& envelope, const std::vector<Envelope>& envelopes) {
  return std::ranges::find(envelopes, envelope) != envelopes.end();
}

// With one slot in use the whole file comes back; with two, the state page.
void check_rewrite(ByteSpan file, const Config& config, const VolumeKeys& keys) {
  const ConfigStatePage page = encode_config_state(config.state, file.first(kPageBytes), keys);
  require(std::ranges::equal(file.subspan(kConfigStateOffset), page));
  if (all_zero(file.subspan(2 * kPageBytes, kPageBytes)))
    require(std::ranges::equal(encode_config(config, keys).value(), file));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const VolumeKeys keys = sample_keys();
  const Bytes file = file_from({data, size});
  const auto peeked = peek_config(file);
  const auto config = decode_config(file, keys);
  if (!config) return 0;
  require(peeked && is_in(config->envelope, peeked->envelopes));
  check_rewrite(file, *config, keys);
  return 0;
}
