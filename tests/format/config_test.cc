#include "fs/format/config.h"

#include <gtest/gtest.h>

#include "tests/format/matchers.h"
#include "tests/format/support.h"

namespace enfold {
namespace {

using format_test::expect_damaged;
using format_test::expect_error;
using format_test::sample_config;
using format_test::sample_config_file;
using format_test::sample_keys;

Result<Config> decode(ByteSpan file) { return decode_config(file, sample_keys()); }

SlotSpan slot_in(ConfigFile& file, std::uint8_t index) {
  return SlotSpan(file.data() + kPageBytes * (1U + index), kSlotBytes);
}

void put_slot(ConfigFile& file, std::uint8_t index, std::uint64_t generation) {
  Envelope envelope = format_test::sample_envelope();
  envelope.generation = generation;
  ASSERT_TRUE(encode_slot(envelope, {ByteSpan(file).first(512), index, sample_keys().config_mac()},
                          slot_in(file, index)));
}

TEST(VolumeConfig, ComesBack) {
  const Config config = decode(sample_config_file()).value();
  EXPECT_EQ(config.volume, sample_config().volume);
  EXPECT_EQ(config.envelope, sample_config().envelope);
  EXPECT_EQ(config.state, sample_config().state);
}

TEST(VolumeConfig, TellsWhomToAskBeforeTheSecretIsKnown) {
  const UnverifiedConfig peeked = peek_config(sample_config_file()).value();
  EXPECT_EQ(peeked.volume, format_test::sample_volume());
  EXPECT_EQ(peeked.envelopes, std::vector{format_test::sample_envelope()});
}

TEST(VolumeConfig, PutsTheHigherGenerationFirst) {
  ConfigFile file = sample_config_file();
  put_slot(file, 1, 2);
  const auto envelopes = peek_config(file).value().envelopes;
  ASSERT_EQ(envelopes.size(), 2U);
  EXPECT_EQ(envelopes[0].generation, 2U);
  EXPECT_EQ(decode(file).value().envelope.generation, 2U);
  put_slot(file, 0, 3);
  EXPECT_EQ(peek_config(file).value().envelopes[0].generation, 3U);
  EXPECT_EQ(decode(file).value().envelope.generation, 3U);
}

TEST(VolumeConfig, RefusesNoSlotAndTwoOfOneGeneration) {
  ConfigFile file = sample_config_file();
  put_slot(file, 1, 1);
  expect_damaged(peek_config(file), "one generation");
  expect_damaged(decode(file), "one generation");
  std::ranges::fill(slot_in(file, 0), std::uint8_t{0});
  std::ranges::fill(slot_in(file, 1), std::uint8_t{0});
  expect_damaged(peek_config(file), "both envelope slots are empty");
  expect_damaged(decode(file), "both envelope slots are empty");
}

TEST(VolumeConfig, RefusesAChangeInAnyByte) {
  const VolumeKeys keys = sample_keys();
  format_test::expect_each_flip_refused<ConfigFile>(
      sample_config_file(), [&](const ConfigFile& file) { return !decode_config(file, keys).has_value(); });
}

TEST(VolumeConfig, OfAnotherSizeOrMagicIsNoVolume) {
  const ConfigFile file = sample_config_file();
  for (const std::size_t size : {std::size_t{0}, std::size_t{4096}, kConfigBytes - 1})
    expect_error(peek_config(ByteSpan(file).first(size)), Errc::kNotAVolume, "size");
  Bytes longer(file.begin(), file.end());
  longer.push_back(0);
  expect_error(peek_config(longer), Errc::kNotAVolume, "size");
  expect_error(peek_config(ConfigFile{}), Errc::kNotAVolume, "magic");
}

TEST(VolumeConfig, NamesWhatItDoesNotKnow) {
  ConfigFile file = sample_config_file();
  file[8] = 7;
  expect_error(peek_config(file), Errc::kUnsupported, "format version 7");
  file = sample_config_file();
  file[12] = 1;
  expect_error(peek_config(file), Errc::kUnsupported, "critical feature flags 1");
}

TEST(VolumeConfig, RefusesAnotherVolumesKeys) {
  expect_damaged(decode_config(sample_config_file(), format_test::other_keys()), "another volume");
  const VolumeKeys other_secret(format_test::sample_volume(), VolumeSecret());
  expect_damaged(decode_config(sample_config_file(), other_secret), "MAC");
}

TEST(VolumeConfig, StatePageIsReplacedAlone) {
  ConfigFile file = sample_config_file();
  const ConfigState state{.open = false, .mount_number = 5, .durable = {5, 1}, .crashed_start_ns = 0};
  std::ranges::copy(encode_config_state(state, ByteSpan(file).first(kPageBytes), sample_keys()),
                    file.begin() + kConfigStateOffset);
  EXPECT_EQ(decode(file).value().state, state);
  std::fill(file.begin() + kConfigStateOffset, file.end(), std::uint8_t{0});
  expect_damaged(decode(file), "state page: MAC");
}

}  // namespace
}  // namespace enfold
