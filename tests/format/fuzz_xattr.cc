// Lower xattr names and sealed values of any bytes, and any plain name under a valid synthetic IV.
#include "tests/format/fuzz.h"

using namespace enfold;
using namespace enfold::format_test;

namespace {

void check_name(const XattrCodec& codec, const std::string& lower) {
  const auto plain = codec.open_name(lower);
  if (plain) require(codec.seal_name(*plain).value() == lower);
}

void check_value(const XattrCodec& codec, ByteSpan sealed) {
  const auto value = codec.open_value("user.fuzz", sealed);
  if (!value) return;
  FixedEntropy nonce(sealed);
  require(std::ranges::equal(codec.seal_value("user.fuzz", *value, nonce), sealed));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const VolumeKeys keys = sample_keys();
  static const XattrCodec codec(keys, sample_file());
  static const Siv names(keys.xattr_names(sample_file()).expose());
  ByteSpan input(data, size);
  const std::uint8_t choice = take_choice(input) % 4;
  if (choice == 0) check_name(codec, as_string(input));
  if (choice == 1) check_name(codec, std::string(kXattrPrefix) + as_string(input));
  if (choice == 2 && !input.empty())
    check_name(codec, std::string(kXattrPrefix) + to_base64url(names.seal(sample_file().bytes, input)));
  if (choice == 3) {
    check_value(codec, input);
    FixedEntropy nonce(input);
    check_value(codec, codec.seal_value("user.fuzz", input, nonce));
  }
  return 0;
}
