// The user's pin: what it keeps, and what a config must not say beside it.
#include "fs/volume/pin.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/volume/open_support.h"

namespace enfold {
namespace {

Pin some_pin() {
  Pin pin;
  pin.lower = "/srv/a \"quoted\" \\ name\nwith a line end";
  pin.volume.bytes.fill(0x11);
  pin.kms_url = "embedded:/srv/keys";
  pin.key_arn = "arn:aws:kms:local:000000000000:key/1";
  pin.commitment.fill(0x22);
  pin.open = true;
  pin.mount_number = 7;
  pin.takes_over = 6;
  return pin;
}

UnverifiedConfig config_for(const Pin& pin) {
  Envelope envelope;
  envelope.recipients.push_back({Provider::kAwsKms, pin.key_arn, Bytes{1}});
  return {pin.volume, {envelope}};
}

TEST(Pin, IsReadBackAsItWasWritten) {
  const TemporaryUser user;
  PosixFiles files;
  const Pin pin = some_pin();
  ASSERT_TRUE(write_pin(files, pin));
  auto back = read_pin(files, pin.lower);
  ASSERT_TRUE(back && *back);
  EXPECT_EQ(pin.lower, (*back)->lower);
  EXPECT_EQ(pin.volume, (*back)->volume);
  EXPECT_EQ(pin.kms_url, (*back)->kms_url);
  EXPECT_EQ(pin.key_arn, (*back)->key_arn);
  EXPECT_EQ(pin.commitment, (*back)->commitment);
  EXPECT_EQ(pin.open, (*back)->open);
  EXPECT_EQ(pin.mount_number, (*back)->mount_number);
  EXPECT_EQ(pin.takes_over, (*back)->takes_over);
}

TEST(Pin, IsNotThereForAnotherPath) {
  const TemporaryUser user;
  PosixFiles files;
  ASSERT_TRUE(write_pin(files, some_pin()));
  auto other = read_pin(files, "/srv/b");
  ASSERT_TRUE(other);
  EXPECT_FALSE(*other);
}

TEST(Pin, OfAnotherPathUnderThisNameIsDamage) {
  const TemporaryUser user;
  PosixFiles files;
  const Pin pin = some_pin();
  ASSERT_TRUE(write_pin(files, pin));
  std::filesystem::copy_file(*pin_file_of(pin.lower), *pin_file_of("/srv/b"));
  auto moved = read_pin(files, "/srv/b");
  ASSERT_FALSE(moved);
  EXPECT_EQ(Errc::kDamaged, moved.error().code);
}

TEST(Pin, CutAtAnyByteIsDamageOrTheWholePin) {
  const TemporaryUser user;
  PosixFiles files;
  const Pin pin = some_pin();
  ASSERT_TRUE(write_pin(files, pin));
  const std::string file = *pin_file_of(pin.lower);
  const auto size = std::filesystem::file_size(file);
  // The last field ends some bytes before the file does.
  for (auto cut = size; cut-- > 0;) {
    std::filesystem::resize_file(file, cut);
    auto back = read_pin(files, pin.lower);
    if (back) {
      EXPECT_TRUE(*back && (*back)->volume == pin.volume) << cut;
    } else {
      EXPECT_EQ(Errc::kDamaged, back.error().code) << cut;
    }
  }
}

TEST(Pin, AcceptsItsOwnVolume) {
  const Pin pin = some_pin();
  EXPECT_TRUE(check_against_pin(config_for(pin), pin, std::nullopt));
  EXPECT_TRUE(check_against_pin(config_for(pin), pin, pin.kms_url));
}

TEST(Pin, RefusesAnotherVolumeKmsKeyOrRecipient) {
  const TemporaryUser user;
  const Pin pin = some_pin();
  const auto code = [&](const UnverifiedConfig& config, const std::optional<std::string>& kms) {
    auto checked = check_against_pin(config, pin, kms);
    return checked ? Errc::kSystem : checked.error().code;
  };
  UnverifiedConfig config = config_for(pin);
  EXPECT_EQ(Errc::kPinMismatch, code(config, "embedded:/elsewhere"));
  config.volume.bytes[3] ^= 1;
  EXPECT_EQ(Errc::kPinMismatch, code(config, std::nullopt));
  config = config_for(pin);
  config.envelopes[0].recipients[0].key_arn += "2";
  EXPECT_EQ(Errc::kPinMismatch, code(config, std::nullopt));
  config = config_for(pin);
  config.envelopes[0].recipients.push_back(config.envelopes[0].recipients[0]);
  EXPECT_EQ(Errc::kPinMismatch, code(config, std::nullopt));
  config.envelopes[0].recipients.clear();
  EXPECT_EQ(Errc::kPinMismatch, code(config, std::nullopt));
  // The slot that is not in use must not lead elsewhere either.
  config = config_for(pin);
  config.envelopes.push_back(config.envelopes[0]);
  config.envelopes[1].recipients[0].key_arn = "arn:aws:kms:eu-west-1:111122223333:key/2";
  EXPECT_EQ(Errc::kPinMismatch, code(config, std::nullopt));
}

}  // namespace
}  // namespace enfold
