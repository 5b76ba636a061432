#include "fs/format/header.h"

#include "fs/format/layout.h"

namespace enfold {
namespace {

constexpr std::string_view kPrefix = "header prefix";
constexpr std::string_view kState = "state record";
constexpr std::size_t kStateMacOffset = kStateBytes - layout::kMacBytes;
constexpr std::size_t kTreeReservedBytes = 64;  // for the tree's authentication in a later version

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

struct ChosenSlot {
  Envelope envelope;
  std::uint8_t index;
};

// Of two valid slots the higher generation counts. A writer always uses the next one, so equal ones are
// damage.
Result<ChosenSlot> choose_slot(std::optional<Envelope> first, std::optional<Envelope> second) {
  if (first && second && first->generation == second->generation)
    return layout::damaged("header page", "both envelope slots have one generation");
  if (first && (!second || first->generation > second->generation)) return ChosenSlot{*std::move(first), 0};
  if (second) return ChosenSlot{*std::move(second), 1};
  return layout::damaged("header page", "both envelope slots are empty");
}

}  // namespace

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
  writer.zeros(6);
  writer.u64(state.epoch.mount);
  writer.u64(state.epoch.checkpoint);
  writer.u64(state.sealed_length);
  writer.u64(state.base_length);
  writer.u64(state.hole_end);
  writer.u64(state.sector_writes);
  writer.bytes(state.parent.bytes);
  writer.zeros(kTreeReservedBytes);
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
  reader.zeros(6);
  out.epoch.mount = reader.u64();
  out.epoch.checkpoint = reader.u64();
  out.sealed_length = reader.u64();
  out.base_length = reader.u64();
  out.hole_end = reader.u64();
  out.sector_writes = reader.u64();
  out.parent = {reader.array<16>()};
  reader.zeros(reader.remaining());
  if (!reader.ok()) return layout::damaged(kState, "reserved bytes are not zero");
  ENFOLD_TRY(check_ranges(out));
  return out;
}

Result<Header> decode_header(const HeaderPage& page, const VolumeKeys& keys) {
  ENFOLD_TRY_ASSIGN(Prefix prefix, decode_prefix(prefix_of(page)));
  if (prefix.volume != keys.volume()) return layout::damaged(kPrefix, "the volume id is another volume's");
  const MacKey slot_key = keys.slot_mac(prefix.file);
  ENFOLD_TRY_ASSIGN(auto first, decode_slot(slot_of(page, 0), {prefix_of(page), 0, slot_key}));
  ENFOLD_TRY_ASSIGN(auto second, decode_slot(slot_of(page, 1), {prefix_of(page), 1, slot_key}));
  ENFOLD_TRY_ASSIGN(ChosenSlot slot, choose_slot(std::move(first), std::move(second)));
  ENFOLD_TRY_ASSIGN(StateRecord state,
                    decode_state(state_of(page), prefix_of(page), keys.state_mac(prefix.file)));
  return Header{prefix, std::move(slot.envelope), slot.index, state};
}

Result<void> finish_header(const Envelope& envelope, const StateRecord& state, const VolumeKeys& keys,
                           const FileId& file, HeaderPage& page) {
  ENFOLD_TRY(encode_slot(envelope, {prefix_of(page), 0, keys.slot_mac(file)}, slot_of(page, 0)));
  std::ranges::fill(slot_of(page, 1), std::uint8_t{0});
  encode_state(state, prefix_of(page), keys.state_mac(file), state_of(page));
  return {};
}

}  // namespace enfold
