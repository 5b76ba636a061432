#include "fs/format/envelope.h"

#include "fs/format/layout.h"

namespace enfold {
namespace {

constexpr std::string_view kSlot = "envelope slot";
constexpr std::size_t kSlotMacOffset = kSlotBytes - layout::kMacBytes;

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

Result<void> check_recipient(const Recipient& recipient) {
  if (recipient.provider != Provider::kAwsKms)
    return make_error(Errc::kUnsupported,
                      "envelope slot: recipient of an unknown provider; use a newer Enfold");
  if (recipient.key_arn.empty() || !is_printable(recipient.key_arn))
    return layout::damaged(kSlot, "a recipient's key ARN is empty or not printable ASCII");
  if (!is_printable(recipient.material_id))
    return layout::damaged(kSlot, "a recipient's key material id is not printable ASCII");
  if (recipient.ciphertext.empty()) return layout::damaged(kSlot, "a recipient's ciphertext is empty");
  return {};
}

// What holds for an envelope that is written and for one that was read.
Result<void> check_envelope(const Envelope& envelope) {
  if (envelope.generation == 0) return layout::damaged(kSlot, "generation is 0");
  if (envelope.recipients.empty()) return layout::damaged(kSlot, "no recipient");
  for (const Recipient& recipient : envelope.recipients) ENFOLD_TRY(check_recipient(recipient));
  return {};
}

constexpr std::size_t kRoom = kSlotMacOffset - 16;  // of all recipients
constexpr std::size_t kRecipientHead = 8;

std::size_t size_of(const Recipient& recipient) {
  return kRecipientHead + recipient.key_arn.size() + recipient.ciphertext.size() +
         recipient.material_id.size();
}

bool fits(const Envelope& envelope) {
  std::size_t bytes = 0;
  for (const Recipient& recipient : envelope.recipients) bytes += size_of(recipient);
  return envelope.recipients.size() <= kMaxRecipients && bytes <= kRoom;
}

void write_recipient(ByteWriter& writer, const Recipient& recipient) {
  writer.u16(static_cast<std::uint16_t>(recipient.provider));
  writer.u16(static_cast<std::uint16_t>(recipient.key_arn.size()));
  writer.u16(static_cast<std::uint16_t>(recipient.ciphertext.size()));
  writer.u16(static_cast<std::uint16_t>(recipient.material_id.size()));
  writer.bytes(as_bytes(recipient.key_arn));
  writer.bytes(recipient.ciphertext);
  writer.bytes(as_bytes(recipient.material_id));
}

Result<Recipient> read_recipient(ByteReader& reader) {
  const std::uint16_t provider = reader.u16();
  const std::uint16_t arn_bytes = reader.u16();
  const std::uint16_t ciphertext_bytes = reader.u16();
  const std::uint16_t material_bytes = reader.u16();
  const ByteSpan arn = reader.bytes(arn_bytes);
  const ByteSpan ciphertext = reader.bytes(ciphertext_bytes);
  const ByteSpan material = reader.bytes(material_bytes);
  if (!reader.ok()) return layout::damaged(kSlot, "a length leads past the slot");
  if (provider != static_cast<std::uint16_t>(Provider::kAwsKms))
    return make_error(Errc::kUnsupported,
                      "envelope slot: recipient of an unknown provider; use a newer Enfold");
  return Recipient{Provider::kAwsKms, as_string(arn), Bytes(ciphertext.begin(), ciphertext.end()),
                   as_string(material)};
}

}  // namespace

std::size_t ciphertext_room(const std::string& key_arn, const std::string& material_id) {
  const std::size_t taken = kRecipientHead + key_arn.size() + material_id.size();
  return taken < kRoom ? kRoom - taken : 0;
}

Result<void> encode_slot(const Envelope& envelope, const SlotBinding& binding, SlotSpan out) {
  if (Result<void> valid = check_envelope(envelope); !valid)
    return make_error(Errc::kInvalidArgument, std::move(valid).error().message);
  if (!fits(envelope))
    return make_error(
        Errc::kLimit,
        "the recipients do not fit in an envelope slot: at most 3, and 1,488 bytes with 8 for each");
  ByteWriter writer(out);
  writer.u64(envelope.generation);
  writer.u16(static_cast<std::uint16_t>(envelope.recipients.size()));
  writer.zeros(6);
  for (const Recipient& recipient : envelope.recipients) write_recipient(writer, recipient);
  writer.zero_rest();
  layout::set_mac(binding.key, binding.prefix, {&binding.slot_index, 1}, out);
  return {};
}

Result<std::optional<Envelope>> decode_slot(ConstSlotSpan slot, const SlotBinding& binding) {
  if (all_zero(slot)) return std::nullopt;
  if (!layout::mac_verifies(binding.key, binding.prefix, {&binding.slot_index, 1}, slot))
    return layout::damaged(kSlot, "MAC does not verify");
  return decode_slot_unverified(slot);
}

Result<std::optional<Envelope>> decode_slot_unverified(ConstSlotSpan slot) {
  if (all_zero(slot)) return std::nullopt;
  Envelope envelope;
  ByteReader reader(slot.first<kSlotMacOffset>());
  envelope.generation = reader.u64();
  const std::uint16_t count = reader.u16();
  reader.zeros(6);
  if (count > kMaxRecipients) return layout::damaged(kSlot, "more than 3 recipients");
  if (!reader.ok()) return layout::damaged(kSlot, "reserved bytes before the recipients are not zero");
  for (std::uint16_t i = 0; i < count; ++i) {
    ENFOLD_TRY_ASSIGN(Recipient recipient, read_recipient(reader));
    envelope.recipients.push_back(std::move(recipient));
  }
  ENFOLD_TRY(check_envelope(envelope));
  reader.zeros(reader.remaining());
  if (!reader.ok()) return layout::damaged(kSlot, "bytes after the last recipient are not zero");
  return envelope;
}

}  // namespace enfold
