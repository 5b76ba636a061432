// An envelope slot: who can unwrap a data key (FORMAT.md, "Slot"). Used in file headers and in the volume
// config.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kms/base/bytes.h"
#include "kms/base/error.h"
#include "kms/base/secret.h"

namespace enfold {

inline constexpr std::size_t kSlotBytes = 1536;
inline constexpr std::size_t kMaxRecipients = 3;

enum class Provider : std::uint16_t {
  kAwsKms = 1
};  // any service that speaks the AWS KMS API, ours included

struct Recipient {
  Provider provider = Provider::kAwsKms;
  std::string key_arn;
  Bytes ciphertext;
  std::string material_id{};  // of the key material that wrapped it, as the KMS names it; empty: not known

  friend bool operator==(const Recipient&, const Recipient&) = default;
};

struct Envelope {
  std::uint64_t generation = 1;  // 1 or more; of two valid slots the higher counts
  std::vector<Recipient> recipients;

  friend bool operator==(const Envelope&, const Envelope&) = default;
};

using SlotSpan = std::span<std::uint8_t, kSlotBytes>;
using ConstSlotSpan = std::span<const std::uint8_t, kSlotBytes>;

// How many bytes of ciphertext a slot holds for one recipient with these.
[[nodiscard]] std::size_t ciphertext_room(const std::string& key_arn, const std::string& material_id);

// What a slot's MAC covers besides its own bytes.
struct SlotBinding {
  ByteSpan prefix;          // the whole immutable prefix that the slot stands behind
  std::uint8_t slot_index;  // 0 or 1
  const MacKey& key;
};

// kLimit where the recipients do not fit in a slot.
Result<void> encode_slot(const Envelope& envelope, const SlotBinding& binding, SlotSpan out);

// Nothing for an empty slot (all zero). kDamaged where MAC or structure is wrong.
Result<std::optional<Envelope>> decode_slot(ConstSlotSpan slot, const SlotBinding& binding);

// The same without the MAC: for `inspect`, and to know whom to ask for the volume secret. Never trust it
// further.
Result<std::optional<Envelope>> decode_slot_unverified(ConstSlotSpan slot);

}  // namespace enfold
