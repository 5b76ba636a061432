#include "fs/format/header.h"

#include "fs/format/layout.h"

namespace enfold {
namespace {

constexpr std::string_view kPrefix = "header prefix";
constexpr std::string_view kState = "state record";
constexpr std::size_t kStateMacOffset = kStateBytes - layout::kMacBytes;
constexpr std::size_t kTreeReservedBytes = 64;  // for the tree's authentication in a later version
constexpr std::size_t kFormerBytes = 72;
constexpr std::uint8_t kSlotIndexes[] = {0, 1};

std::uint64_t max_sectors() { return sectors_of(kMaxPlainLength); }

Result<void> check_ranges(const StateRecord& state) {
  if (state.sealed_length > kMaxPlainLength)
    return layout::damaged(kState, "sealed length is over the maximum");
  if (state.base_length > state.sealed_length)
    return layout::damaged(kState, "base length is over the sealed length");
  if (state.hole_end > max_sectors()) return layout::damaged(kState, "hole end is over the maximum");
  if (state.sector_writes > kMaxSectorWrites)
    return layout::damaged(kState, "sector writes are over the maximum");
  return {};
}

void write_former(const std::optional<FormerKey>& former, ByteWriter& writer) {
  if (!former) return writer.zeros(kFormerBytes);
  writer.u8(1);
  writer.u8(former->slot_index);
  writer.zeros(6);
  writer.bytes(former->salt);
  writer.bytes(former->commitment);
}

Result<std::optional<FormerKey>> read_former(ByteReader& reader) {
  const std::uint8_t is_there = reader.u8();
  if (is_there > 1) return layout::damaged(kState, "the former key is neither there nor not");
  if (is_there == 0) {
    reader.zeros(kFormerBytes - 1);
    return std::nullopt;
  }
  FormerKey out;
  out.slot_index = reader.u8();
  if (out.slot_index > 1) return layout::damaged(kState, "the former key's slot is neither 0 nor 1");
  reader.zeros(6);
  out.salt = reader.array<32>();
  out.commitment = reader.array<32>();
  return out;
}

using Slots = std::array<std::optional<Envelope>, 2>;

struct ChosenSlot {
  Envelope envelope;
  std::uint8_t index;
};

// Of two valid slots the higher generation counts. A writer always uses the next one, so equal ones are
// damage.
Result<ChosenSlot> choose_slot(Slots slots) {
  auto& [first, second] = slots;
  if (first && second && first->generation == second->generation)
    return layout::damaged("header page", "both envelope slots have one generation");
  if (first && (!second || first->generation > second->generation)) return ChosenSlot{*std::move(first), 0};
  if (second) return ChosenSlot{*std::move(second), 1};
  return layout::damaged("header page", "both envelope slots are empty");
}

// Between two data keys both slots are in use, and the state record says which is whose: each counts the
// generations of its own data key.
Result<Header> between_two_keys(const Prefix& prefix, Slots slots, const StateRecord& state,
                                std::uint8_t former_slot) {
  const auto current_slot = static_cast<std::uint8_t>(1 - former_slot);
  std::optional<Envelope>& former = slots[former_slot];
  std::optional<Envelope>& current = slots[current_slot];
  if (!former || !current)
    return layout::damaged("header page", "of two data keys only one has an envelope slot");
  return Header{prefix, *std::move(current), current_slot, state, std::move(former), false};
}

}  // namespace

bool may_hold_envelope(ByteSpan content) {
  const auto begins_with = [&](const layout::Magic& magic) {
    return content.size() >= magic.size() && std::ranges::equal(content.first(magic.size()), magic);
  };
  return begins_with(layout::kHeaderMagic) || begins_with(layout::kConfigMagic);
}

void encode_prefix(const Prefix& prefix, PrefixSpan out) {
  ByteWriter writer(out);
  layout::write_head(writer, layout::kHeaderMagic, prefix.secret_id, prefix.volume);
  writer.bytes(prefix.file.bytes);
  writer.bytes(prefix.salt);
  writer.zero_rest();
}

void set_commitment(const Digest& commitment, PrefixSpan out) {
  std::ranges::copy(commitment, out.subspan<kPrefixBoundBytes>().begin());
}

Result<Prefix> decode_prefix(ConstPrefixSpan bytes) {
  Prefix out;
  ByteReader reader(bytes);
  ENFOLD_TRY_ASSIGN(out.volume, layout::read_head(reader, layout::kHeaderMagic, kPrefix));
  out.file = {reader.array<16>()};
  out.salt = reader.array<32>();
  reader.zeros(reader.remaining() - sizeof(Digest));
  out.commitment = reader.array<32>();
  if (!reader.ok()) return layout::damaged(kPrefix, "reserved bytes before the commitment are not zero");
  return out;
}

void encode_state(const StateRecord& state, ConstPrefixSpan prefix, const MacKey& key, StateSpan out) {
  ByteWriter writer(out);
  writer.u8(state.clean ? 1 : 0);
  writer.u8(state.key_epoch);
  writer.u8(state.parity);
  writer.zeros(5);
  writer.u64(state.epoch.mount);
  writer.u64(state.epoch.checkpoint);
  writer.u64(state.sealed_length);
  writer.u64(state.base_length);
  writer.u64(state.hole_end);
  writer.u64(state.sector_writes);
  writer.bytes(state.parent.bytes);
  writer.zeros(kTreeReservedBytes);
  write_former(state.former, writer);
  writer.zero_rest();
  layout::set_mac(key, prefix, {}, out);
}

Result<StateRecord> decode_state(ConstStateSpan bytes, ConstPrefixSpan prefix, const MacKey& key) {
  if (!layout::mac_verifies(key, prefix, {}, bytes)) return layout::damaged(kState, "MAC does not verify");
  return decode_state_unverified(bytes);
}

Result<StateRecord> decode_state_unverified(ConstStateSpan bytes) {
  StateRecord out;
  ByteReader reader(bytes.first<kStateMacOffset>());
  const std::uint8_t clean = reader.u8();
  if (clean > 1) return layout::damaged(kState, "clean is neither 0 nor 1");
  out.clean = clean == 1;
  out.key_epoch = reader.u8();
  out.parity = reader.u8();
  if (out.parity > 1) return layout::damaged(kState, "parity is neither 0 nor 1");
  reader.zeros(5);
  out.epoch.mount = reader.u64();
  out.epoch.checkpoint = reader.u64();
  out.sealed_length = reader.u64();
  out.base_length = reader.u64();
  out.hole_end = reader.u64();
  out.sector_writes = reader.u64();
  out.parent = {reader.array<16>()};
  reader.zeros(kTreeReservedBytes);
  ENFOLD_TRY_ASSIGN(out.former, read_former(reader));
  reader.zeros(reader.remaining());
  if (!reader.ok()) return layout::damaged(kState, "reserved bytes are not zero");
  ENFOLD_TRY(check_ranges(out));
  return out;
}

Result<Header> decode_header(const HeaderPage& page, const VolumeKeys& keys) {
  ENFOLD_TRY_ASSIGN(Prefix prefix, decode_prefix(prefix_of(page)));
  if (prefix.volume != keys.volume()) return layout::damaged(kPrefix, "the volume id is another volume's");
  const MacKey slot_key = keys.slot_mac(prefix.file);
  Slots slots;
  for (const std::uint8_t i : kSlotIndexes) {
    ENFOLD_TRY_ASSIGN(slots[i], decode_slot(slot_of(page, i), {prefix_of(page), i, slot_key}));
  }
  ENFOLD_TRY_ASSIGN(const StateRecord state,
                    decode_state(state_of(page), prefix_of(page), keys.state_mac(prefix.file)));
  if (state.former) return between_two_keys(prefix, std::move(slots), state, state.former->slot_index);
  const bool has_spare_slot = !slots[0] || !slots[1];
  ENFOLD_TRY_ASSIGN(ChosenSlot slot, choose_slot(std::move(slots)));
  return Header{prefix, std::move(slot.envelope), slot.index, state, std::nullopt, has_spare_slot};
}

std::array<std::uint8_t, kPrefixBytes> former_prefix(ConstPrefixSpan prefix, const FormerKey& former) {
  std::array<std::uint8_t, kPrefixBytes> out{};
  std::ranges::copy(prefix, out.begin());
  std::ranges::copy(former.salt, out.begin() + kPrefixSaltOffset);
  set_commitment(former.commitment, out);
  return out;
}

Result<void> encode_slots(const std::array<const Envelope*, 2>& envelopes, const VolumeKeys& keys,
                          const FileId& file, HeaderPage& page) {
  const MacKey key = keys.slot_mac(file);
  for (const std::uint8_t i : kSlotIndexes) {
    std::ranges::fill(slot_of(page, i), std::uint8_t{0});
    if (envelopes[i] != nullptr)
      ENFOLD_TRY(encode_slot(*envelopes[i], {prefix_of(page), i, key}, slot_of(page, i)));
  }
  return {};
}

Result<void> finish_header(const Envelope& envelope, const StateRecord& state, const VolumeKeys& keys,
                           const FileId& file, HeaderPage& page) {
  ENFOLD_TRY(encode_slots({&envelope, nullptr}, keys, file, page));
  encode_state(state, prefix_of(page), keys.state_mac(file), state_of(page));
  return {};
}

}  // namespace enfold
