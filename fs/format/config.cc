#include "fs/format/config.h"

#include "fs/format/layout.h"

namespace enfold {
namespace {

constexpr std::string_view kConfig = "volume config";
constexpr std::string_view kConfigState = "volume config's state page";
// Goes into the MAC where a slot has its index, so that no slot is taken for the state page or the reverse.
constexpr std::uint8_t kStatePart = 2;

ByteSpan page_of(ByteSpan file, std::size_t index) { return file.subspan(index * kPageBytes, kPageBytes); }

// What every MAC of the file covers: the part of the prefix page that holds fields.
ByteSpan bound_prefix(ByteSpan prefix_page) { return prefix_page.first(kPrefixBytes); }

ConstSlotSpan slot_in(ByteSpan file, std::uint8_t index) {
  return page_of(file, 1U + index).first<kSlotBytes>();
}

Result<VolumeId> read_prefix_page(ByteSpan file) {
  if (file.size() != kConfigBytes)
    return make_error(Errc::kNotAVolume, "volume config: the size is not 16,384 bytes");
  ByteReader reader(page_of(file, 0));
  ENFOLD_TRY_ASSIGN(const VolumeId volume,
                    layout::read_head(reader, layout::kConfigMagic, kConfig, Errc::kNotAVolume));
  reader.zeros(reader.remaining());
  if (!reader.ok()) return layout::damaged(kConfig, "the prefix page's reserved bytes are not zero");
  for (std::size_t page = 1; page <= 2; ++page)
    if (!all_zero(page_of(file, page).subspan(kSlotBytes)))
      return layout::damaged(kConfig, "bytes behind an envelope slot are not zero");
  return volume;
}

Result<ConfigState> read_state_page(ByteSpan page) {
  ConfigState out;
  ByteReader reader(page.first(kPageBytes - layout::kMacBytes));
  const std::uint8_t open = reader.u8();
  if (open > 1) return layout::damaged(kConfigState, "open is neither 0 nor 1");
  out.open = open == 1;
  reader.zeros(7);
  out.mount_number = reader.u64();
  out.durable.mount = reader.u64();
  out.durable.checkpoint = reader.u64();
  out.crashed_start_ns = reader.u64();
  reader.zeros(reader.remaining());
  if (!reader.ok()) return layout::damaged(kConfigState, "reserved bytes are not zero");
  return out;
}

Result<ConfigState> decode_state_page(ByteSpan file, const VolumeKeys& keys) {
  const ByteSpan page = file.subspan(kConfigStateOffset);
  if (!layout::mac_verifies(keys.config_mac(), bound_prefix(page_of(file, 0)), {&kStatePart, 1}, page))
    return layout::damaged(kConfigState, "MAC does not verify");
  return read_state_page(page);
}

// Highest generation first; at least one.
Result<std::vector<Envelope>> in_order(std::optional<Envelope> first, std::optional<Envelope> second) {
  std::vector<Envelope> out;
  if (first) out.push_back(*std::move(first));
  if (second) out.push_back(*std::move(second));
  if (out.empty()) return layout::damaged(kConfig, "both envelope slots are empty");
  if (out.size() == 2 && out[0].generation == out[1].generation)
    return layout::damaged(kConfig, "both envelope slots have one generation");
  std::ranges::sort(out, std::ranges::greater{}, &Envelope::generation);
  return out;
}

}  // namespace

Result<ConfigFile> encode_config(const Config& config, const VolumeKeys& keys) {
  ConfigFile file{};
  ByteWriter writer(file);
  layout::write_head(writer, layout::kConfigMagic, layout::kOnlySecretId, config.volume);
  const ByteSpan prefix_page = page_of(file, 0);
  ENFOLD_TRY_ASSIGN(const ConfigSlotPage slot, encode_config_slot(config.envelope, 0, prefix_page, keys));
  std::ranges::copy(slot, file.begin() + kConfigSlotOffset[0]);
  std::ranges::copy(encode_config_state(config.state, prefix_page, keys), file.begin() + kConfigStateOffset);
  return file;
}

Result<UnverifiedConfig> peek_config(ByteSpan file) {
  ENFOLD_TRY_ASSIGN(const VolumeId volume, read_prefix_page(file));
  ENFOLD_TRY_ASSIGN(auto first, decode_slot_unverified(slot_in(file, 0)));
  ENFOLD_TRY_ASSIGN(auto second, decode_slot_unverified(slot_in(file, 1)));
  ENFOLD_TRY_ASSIGN(auto envelopes, in_order(std::move(first), std::move(second)));
  return UnverifiedConfig{volume, std::move(envelopes)};
}

Result<ConfigState> peek_config_state(ByteSpan file) {
  ENFOLD_TRY(read_prefix_page(file));
  return read_state_page(file.subspan(kConfigStateOffset));
}

Result<Config> decode_config(ByteSpan file, const VolumeKeys& keys) {
  ENFOLD_TRY_ASSIGN(const VolumeId volume, read_prefix_page(file));
  if (volume != keys.volume()) return layout::damaged(kConfig, "the volume id is another volume's");
  const ByteSpan bound = bound_prefix(page_of(file, 0));
  ENFOLD_TRY_ASSIGN(auto first, decode_slot(slot_in(file, 0), {bound, 0, keys.config_mac()}));
  ENFOLD_TRY_ASSIGN(auto second, decode_slot(slot_in(file, 1), {bound, 1, keys.config_mac()}));
  ENFOLD_TRY_ASSIGN(auto envelopes, in_order(std::move(first), std::move(second)));
  ENFOLD_TRY_ASSIGN(const ConfigState state, decode_state_page(file, keys));
  return Config{volume, std::move(envelopes.front()), state};
}

Result<ConfigSlotPage> encode_config_slot(const Envelope& envelope, std::uint8_t index, ByteSpan prefix_page,
                                          const VolumeKeys& keys) {
  ConfigSlotPage page{};
  ENFOLD_TRY(encode_slot(envelope, {bound_prefix(prefix_page), index, keys.config_mac()},
                         std::span(page).first<kSlotBytes>()));
  return page;
}

Result<std::optional<Envelope>> config_slot(ByteSpan file, std::uint8_t index) {
  return decode_slot_unverified(slot_in(file, index));
}

ConfigStatePage encode_config_state(const ConfigState& state, ByteSpan prefix_page, const VolumeKeys& keys) {
  ConfigStatePage page{};
  ByteWriter writer(page);
  writer.u8(state.open ? 1 : 0);
  writer.zeros(7);
  writer.u64(state.mount_number);
  writer.u64(state.durable.mount);
  writer.u64(state.durable.checkpoint);
  writer.u64(state.crashed_start_ns);
  layout::set_mac(keys.config_mac(), bound_prefix(prefix_page), {&kStatePart, 1}, page);
  return page;
}

}  // namespace enfold
