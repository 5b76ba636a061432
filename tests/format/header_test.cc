#include "fs/format/header.h"

#include <gtest/gtest.h>

#include "tests/format/matchers.h"
#include "tests/format/support.h"

namespace enfold {
namespace {

using format_test::expect_damaged;
using format_test::expect_error;
using format_test::sample_header;
using format_test::sample_keys;

Result<Header> decode(const HeaderPage& page) { return decode_header(page, sample_keys()); }

// A page whose slot 1 holds the given generation, correctly sealed.
HeaderPage with_second_slot(std::uint64_t generation) {
  HeaderPage page = sample_header();
  Envelope envelope = format_test::sample_envelope();
  envelope.generation = generation;
  envelope.recipients[0].key_arn = "arn:second";
  EXPECT_TRUE(encode_slot(envelope, {prefix_of(page), 1, sample_keys().slot_mac(format_test::sample_file())},
                          slot_of(page, 1)));
  return page;
}

TEST(HeaderPage, ComesBack) {
  const Header header = decode(sample_header()).value();
  EXPECT_EQ(header.prefix.volume, format_test::sample_volume());
  EXPECT_EQ(header.prefix.file, format_test::sample_file());
  EXPECT_EQ(header.prefix.secret_id, 1U);
  EXPECT_EQ(header.envelope, format_test::sample_envelope());
  EXPECT_EQ(header.slot_index, 0);
  EXPECT_EQ(header.state, format_test::sample_state());
}

TEST(HeaderPage, RefusesAChangeInAnyByte) {
  const VolumeKeys keys = sample_keys();
  format_test::expect_each_flip_refused<HeaderPage>(
      sample_header(), [&](const HeaderPage& page) { return !decode_header(page, keys).has_value(); });
}

TEST(HeaderPage, WithTwoSlotsRefusesAChangeInAnyByte) {
  const VolumeKeys keys = sample_keys();
  format_test::expect_each_flip_refused<HeaderPage>(
      with_second_slot(2), [&](const HeaderPage& page) { return !decode_header(page, keys).has_value(); });
}

TEST(HeaderPage, BetweenTwoDataKeysTellsWhichSlotIsWhose) {
  const HeaderPage page = format_test::sample_header_between();
  const Header header = decode(page).value();
  EXPECT_EQ(header.slot_index, 1);
  EXPECT_EQ(header.envelope, format_test::sample_new_envelope());
  EXPECT_EQ(header.former, format_test::sample_envelope());
  EXPECT_FALSE(header.has_spare_slot);
  EXPECT_EQ(header.state.parity, 1);
  EXPECT_EQ(header.state.former, format_test::sample_former());
  const HeaderPage before = format_test::sample_header();
  EXPECT_TRUE(std::ranges::equal(former_prefix(prefix_of(page), *header.state.former), prefix_of(before)));
}

// The generation counts the wraps of one data key: the former one's may be higher.
TEST(HeaderPage, BetweenTwoDataKeysDoesNotGoByGenerations) {
  HeaderPage page = format_test::sample_header_between();
  Envelope former = format_test::sample_envelope();
  former.generation = 7;
  const Envelope current = format_test::sample_new_envelope();
  ASSERT_TRUE(encode_slots({&former, &current}, sample_keys(), format_test::sample_file(), page));
  EXPECT_EQ(decode(page).value().slot_index, 1);
  StateRecord state = decode(page).value().state;
  state.former->slot_index = 1;
  encode_state(state, prefix_of(page), sample_keys().state_mac(format_test::sample_file()), state_of(page));
  EXPECT_EQ(decode(page).value().slot_index, 0);
  EXPECT_EQ(decode(page).value().envelope, former);
}

TEST(HeaderPage, BetweenTwoDataKeysRefusesAChangeInAnyByte) {
  const VolumeKeys keys = sample_keys();
  format_test::expect_each_flip_refused<HeaderPage>(
      format_test::sample_header_between(),
      [&](const HeaderPage& page) { return !decode_header(page, keys).has_value(); });
}

TEST(HeaderPage, TellsWhetherASlotIsSpare) {
  EXPECT_TRUE(decode(sample_header()).value().has_spare_slot);
  EXPECT_FALSE(decode(with_second_slot(2)).value().has_spare_slot);
}

TEST(HeaderPage, TakesTheSlotOfTheHigherGeneration) {
  EXPECT_EQ(decode(with_second_slot(2)).value().slot_index, 1);
  EXPECT_EQ(decode(with_second_slot(2)).value().envelope.recipients[0].key_arn, "arn:second");
  HeaderPage first_is_newer = with_second_slot(2);
  Envelope third = format_test::sample_envelope();
  third.generation = 3;
  ASSERT_TRUE(encode_slot(third,
                          {prefix_of(first_is_newer), 0, sample_keys().slot_mac(format_test::sample_file())},
                          slot_of(first_is_newer, 0)));
  EXPECT_EQ(decode(first_is_newer).value().slot_index, 0);
  HeaderPage wiped = with_second_slot(2);
  std::ranges::fill(slot_of(wiped, 0), std::uint8_t{0});
  EXPECT_EQ(decode(wiped).value().slot_index, 1);
}

TEST(HeaderPage, RefusesNoSlotAndTwoOfOneGeneration) {
  HeaderPage page = sample_header();
  std::ranges::fill(slot_of(page, 0), std::uint8_t{0});
  expect_damaged(decode(page), "both envelope slots are empty");
  expect_damaged(decode(with_second_slot(1)), "one generation");
}

TEST(HeaderPage, RefusesASlotCopiedIntoTheOther) {
  HeaderPage page = sample_header();
  std::ranges::copy(slot_of(page, 0), slot_of(page, 1).begin());
  expect_damaged(decode(page), "MAC");
}

TEST(HeaderPage, RefusesSlotsAndStateOfAnotherFile) {
  const VolumeKeys keys = sample_keys();
  HeaderPage other = sample_header();
  encode_prefix({.volume = format_test::sample_volume(), .file = format_test::other_file()},
                prefix_of(other));
  ASSERT_TRUE(finish_header(format_test::sample_envelope(), {}, keys, format_test::other_file(), other));
  ASSERT_TRUE(decode(other));
  HeaderPage page = sample_header();
  std::ranges::copy(slot_of(other, 0), slot_of(page, 0).begin());
  expect_damaged(decode(page), "envelope slot: MAC");
  page = sample_header();
  std::ranges::copy(state_of(other), state_of(page).begin());
  expect_damaged(decode(page), "state record: MAC");
}

TEST(HeaderPage, RefusesAnotherVolume) {
  expect_damaged(decode_header(sample_header(), format_test::other_keys()), "another volume");
}

TEST(HeaderPage, OfZerosIsNoHeader) { expect_damaged(decode(HeaderPage{}), "magic"); }

TEST(HeaderPrefix, NamesWhatItDoesNotKnow) {
  HeaderPage page = sample_header();
  page[8] = 2;
  expect_error(decode(page), Errc::kUnsupported, "format version 2");
  page = sample_header();
  page[10] = 3;
  expect_error(decode(page), Errc::kUnsupported, "cipher 3");
  page = sample_header();
  page[15] = 0x80;
  expect_error(decode(page), Errc::kUnsupported, "critical feature flags 2147483648");
}

class StateRange : public testing::Test {
 protected:
  static Result<StateRecord> reopen(const StateRecord& state) {
    HeaderPage page = sample_header();
    const MacKey key = sample_keys().state_mac(format_test::sample_file());
    encode_state(state, prefix_of(page), key, state_of(page));
    return decode_state(state_of(page), prefix_of(page), key);
  }
};

TEST_F(StateRange, TakesTheLimits) {
  const StateRecord state{.clean = false,
                          .epoch = {~std::uint64_t{0}, ~std::uint64_t{0}},
                          .sealed_length = kMaxPlainLength,
                          .base_length = kMaxPlainLength,
                          .hole_end = sectors_of(kMaxPlainLength),
                          .sector_writes = kMaxSectorWrites,
                          .key_epoch = 255,
                          .parity = 1,
                          .parent = {},
                          .former = FormerKey{.slot_index = 1, .salt = {}, .commitment = {}}};
  EXPECT_EQ(reopen(state).value(), state);
  EXPECT_EQ(reopen({}).value(), StateRecord{});
}

TEST_F(StateRange, RefusesWhatIsOverThem) {
  StateRecord state;
  state.sealed_length = kMaxPlainLength + 1;
  expect_damaged(reopen(state), "sealed length");
  state = {};
  state.base_length = 1;
  expect_damaged(reopen(state), "base length");
  state = {};
  state.hole_end = sectors_of(kMaxPlainLength) + 1;
  expect_damaged(reopen(state), "hole end");
  state = {};
  state.sector_writes = kMaxSectorWrites + 1;
  expect_damaged(reopen(state), "sector writes");
}

}  // namespace
}  // namespace enfold
