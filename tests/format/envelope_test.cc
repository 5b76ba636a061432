#include "fs/format/envelope.h"

#include <gtest/gtest.h>

#include "tests/format/matchers.h"
#include "tests/format/support.h"

namespace enfold {
namespace {

using format_test::expect_damaged;
using format_test::expect_error;
using Slot = std::array<std::uint8_t, kSlotBytes>;

class EnvelopeSlot : public testing::Test {
 protected:
  [[nodiscard]] SlotBinding binding(std::uint8_t index = 0) const { return {prefix_, index, key_}; }
  [[nodiscard]] Result<std::optional<Envelope>> reopen(const Envelope& envelope) const {
    Slot slot;
    slot.fill(0xee);
    ENFOLD_TRY(encode_slot(envelope, binding(), slot));
    return decode_slot(slot, binding());
  }
  [[nodiscard]] Slot sample() const {
    Slot slot;
    EXPECT_TRUE(encode_slot(format_test::sample_envelope(), binding(), slot));
    return slot;
  }
  static Recipient recipient_of(std::size_t arn_bytes, std::size_t ciphertext_bytes) {
    return {Provider::kAwsKms, std::string(arn_bytes, 'a'), Bytes(ciphertext_bytes, 1)};
  }

  Bytes prefix_ = Bytes(512, 0x77);
  MacKey key_{format_test::counting<32>(9)};
};

TEST_F(EnvelopeSlot, ComesBackWithOneToThreeRecipients) {
  Envelope envelope = format_test::sample_envelope();
  for (std::uint64_t count = 1; count <= 3; ++count) {
    EXPECT_EQ(reopen(envelope).value(), envelope);
    envelope.recipients.push_back(recipient_of(60 + count, 180));
    envelope.generation = ~envelope.generation;
  }
}

TEST_F(EnvelopeSlot, NamesTheKeyMaterialWhereItIsKnown) {
  Envelope envelope = format_test::sample_envelope();
  envelope.recipients.front().material_id = std::string(64, 'd');
  envelope.recipients.push_back(recipient_of(60, 180));
  EXPECT_EQ(reopen(envelope).value(), envelope);
  envelope.recipients.front().material_id = "a b";
  expect_error(reopen(envelope), Errc::kInvalidArgument, "material");
}

TEST_F(EnvelopeSlot, HoldsExactly1488BytesOfRecipients) {
  EXPECT_TRUE(reopen({1, {recipient_of(80, 1400)}}));
  expect_error(reopen({1, {recipient_of(80, 1401)}}), Errc::kLimit, "do not fit");
  Recipient with_material = recipient_of(80, 1390);
  with_material.material_id = "0123456789";
  EXPECT_TRUE(reopen({1, {with_material}}));
  with_material.material_id += "a";
  expect_error(reopen({1, {with_material}}), Errc::kLimit, "do not fit");
  EXPECT_TRUE(reopen({1, {recipient_of(80, 408), recipient_of(80, 408), recipient_of(80, 408)}}));
  expect_error(reopen({1, {recipient_of(80, 408), recipient_of(80, 408), recipient_of(80, 409)}}),
               Errc::kLimit, "do not fit");
  expect_error(reopen({1, {recipient_of(2048, 70000)}}), Errc::kLimit, "do not fit");
}

TEST_F(EnvelopeSlot, IsNotWrittenWithoutRecipientsOrWithWhatNoReaderTakes) {
  const Recipient good = format_test::sample_recipient();
  expect_error(reopen({1, {}}), Errc::kInvalidArgument, "no recipient");
  expect_error(reopen({0, {good}}), Errc::kInvalidArgument, "generation");
  expect_error(reopen({1, {good, recipient_of(0, 9)}}), Errc::kInvalidArgument, "ARN");
  expect_error(reopen({1, {recipient_of(9, 0)}}), Errc::kInvalidArgument, "ciphertext");
  expect_error(reopen({1, {{Provider::kAwsKms, "arn:\x1b[2J", {1}}}}), Errc::kInvalidArgument, "printable");
  expect_error(reopen({1, {good, good, good, good}}), Errc::kLimit, "at most 3");
}

TEST_F(EnvelopeSlot, OfZerosIsEmpty) {
  EXPECT_EQ(decode_slot(Slot{}, binding()).value(), std::nullopt);
  EXPECT_EQ(decode_slot_unverified(Slot{}).value(), std::nullopt);
}

TEST_F(EnvelopeSlot, RefusesAChangeInAnyByte) {
  format_test::expect_each_flip_refused<Slot>(
      sample(), [this](const Slot& slot) { return !decode_slot(slot, binding()).has_value(); });
}

TEST_F(EnvelopeSlot, IsBoundToItsPrefixItsPlaceAndItsKey) {
  const Slot slot = sample();
  expect_damaged(decode_slot(slot, binding(1)), "MAC");
  prefix_[511] ^= 1;
  expect_damaged(decode_slot(slot, binding()), "MAC");
  prefix_[511] ^= 1;
  EXPECT_TRUE(decode_slot(slot, binding()));
  const MacKey other_key;
  expect_damaged(decode_slot(slot, {prefix_, 0, other_key}), "MAC");
}

TEST_F(EnvelopeSlot, CutsHugeCountsAndLengthsShort) {
  Slot slot = sample();
  slot[8] = slot[9] = 0xff;
  expect_damaged(decode_slot_unverified(slot), "more than 3");
  slot = sample();
  slot[18] = slot[19] = 0xff;
  expect_damaged(decode_slot_unverified(slot), "past the slot");
  slot = sample();
  slot[20] = slot[21] = 0xff;
  expect_damaged(decode_slot_unverified(slot), "past the slot");
}

}  // namespace
}  // namespace enfold
