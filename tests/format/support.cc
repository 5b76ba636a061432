#include "tests/format/support.h"

#include <cstdio>
#include <cstdlib>

#include "kms/crypto/gcm.h"

namespace enfold::format_test {
namespace {

// Here as in FORMAT.md, not by the codecs' own code, so that a mistake in one of them shows.
void put_mac(const MacKey& key, std::initializer_list<ByteSpan> covered, MutableByteSpan out) {
  std::ranges::copy(hmac_sha256(key.expose(), covered), out.begin());
}

template <std::size_t N>
Bytes join(std::array<ByteSpan, N> parts) {
  Bytes out;
  for (ByteSpan part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

constexpr std::size_t kSpecialOverheadBytes = 76;

}  // namespace

void SeededEntropy::fill(std::span<std::uint8_t> out) {
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(engine_());
}

std::uint64_t test_seed() {
  static const std::uint64_t seed = [] {
    const char* given = std::getenv("ENFOLD_TEST_SEED");
    const std::uint64_t value = given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
    std::printf("ENFOLD_TEST_SEED=%llu\n", static_cast<unsigned long long>(value));
    return value;
  }();
  return seed;
}

bool is_long_form() {
  const char* value = std::getenv("ENFOLD_LONG");
  return value != nullptr && std::string_view(value) == "1";
}

VolumeKeys sample_keys() { return {sample_volume(), VolumeSecret(sample_secret())}; }
VolumeKeys other_keys() { return {VolumeId{counting<16>(0x11)}, VolumeSecret(counting<32>(0x41))}; }

Recipient sample_recipient() {
  const auto ciphertext = counting<100>(0x80);
  return {Provider::kAwsKms, "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
          Bytes(ciphertext.begin(), ciphertext.end())};
}

Envelope sample_envelope() { return {1, {sample_recipient()}}; }

StateRecord sample_state() {
  return {.clean = true,
          .epoch = {3, 9},
          .sealed_length = 10000,
          .base_length = 8000,
          .hole_end = 2,
          .sector_writes = 5,
          .key_epoch = 0,
          .parity = 0,
          .parent = sample_directory()};
}

HeaderPage sample_header() {
  const VolumeKeys keys = sample_keys();
  HeaderPage page{};
  encode_prefix({.volume = sample_volume(), .file = sample_file(), .salt = counting<32>(0xa0)},
                prefix_of(page));
  set_commitment(file_commitment(keys.file_key(sample_data_key(), ByteSpan(page).first(kPrefixBoundBytes))),
                 prefix_of(page));
  if (!finish_header(sample_envelope(), sample_state(), keys, sample_file(), page)) std::abort();
  return page;
}

FormerKey sample_former() {
  const Prefix prefix = decode_prefix(prefix_of(sample_header())).value();
  return {.slot_index = 0, .salt = prefix.salt, .commitment = prefix.commitment};
}

Envelope sample_new_envelope() {
  Envelope out = sample_envelope();
  out.recipients[0].ciphertext = Bytes(100, 0x55);
  return out;
}

HeaderPage sample_header_between() {
  const VolumeKeys keys = sample_keys();
  HeaderPage page{};
  encode_prefix({.volume = sample_volume(), .file = sample_file(), .salt = counting<32>(0xb0)},
                prefix_of(page));
  set_commitment(
      file_commitment(keys.file_key(sample_new_data_key(), ByteSpan(page).first(kPrefixBoundBytes))),
      prefix_of(page));
  const Envelope former = sample_envelope();
  const Envelope current = sample_new_envelope();
  if (!encode_slots({&former, &current}, keys, sample_file(), page)) std::abort();
  StateRecord state = sample_state();
  state.parity = 1;
  state.former = sample_former();
  encode_state(state, prefix_of(page), keys.state_mac(sample_file()), state_of(page));
  return page;
}

ContentKey sample_content_key(std::uint8_t key_epoch) {
  const HeaderPage page = sample_header();
  return content_key(sample_keys().file_key(sample_data_key(), ByteSpan(page).first(kPrefixBoundBytes)),
                     key_epoch);
}

Config sample_config() {
  return {
      sample_volume(),
      sample_envelope(),
      {.open = true, .mount_number = 4, .durable = {3, 8}, .crashed_start_ns = 1'700'000'000'000'000'000}};
}

ConfigFile sample_config_file() { return encode_config(sample_config(), sample_keys()).value(); }

Marker sample_marker() { return {sample_volume(), sample_directory(), other_directory()}; }

Special sample_symlink() {
  Special out;
  out.file = sample_file();
  out.target = "../share/doc/readme.txt";
  return out;
}

Special sample_device() {
  Special out;
  out.file = sample_file();
  out.kind = SpecialKind::kCharDevice;
  out.device_major = 1;
  out.device_minor = 0x10003;
  return out;
}

void reseal_slot(HeaderPage& page, std::uint8_t index) {
  put_mac(sample_keys().slot_mac(sample_file()),
          {prefix_of(page), {&index, 1}, slot_of(page, index).first<kSlotBytes - 32>()},
          slot_of(page, index).last<32>());
}

void reseal_state(HeaderPage& page) {
  put_mac(sample_keys().state_mac(sample_file()), {prefix_of(page), state_of(page).first<kStateBytes - 32>()},
          state_of(page).last<32>());
}

void reseal_config_slot(ConfigFile& file, std::uint8_t index) {
  const auto slot = std::span(file).subspan(kPageBytes * (1U + index), kSlotBytes);
  put_mac(sample_keys().config_mac(), {ByteSpan(file).first(512), {&index, 1}, slot.first(kSlotBytes - 32)},
          slot.last(32));
}

void reseal_config_state(ConfigFile& file) {
  const std::uint8_t part = 2;
  const auto page = std::span(file).subspan(kConfigStateOffset);
  put_mac(sample_keys().config_mac(), {ByteSpan(file).first(512), {&part, 1}, page.first(kPageBytes - 32)},
          page.last(32));
}

Bytes seal_any_special(std::uint16_t kind_field, std::uint16_t size_remainder, ByteSpan payload) {
  const std::size_t small = size_remainder - kSpecialOverheadBytes;
  const std::size_t payload_bytes = payload.size() <= small ? small : small + kPageBytes;
  Bytes content(kSpecialOverheadBytes + payload_bytes);
  const MutableByteSpan all(content);
  ByteWriter writer(all);
  writer.bytes(as_bytes("ENFOLDS\x1a"));
  writer.u16(1);
  writer.u16(kind_field);
  writer.u32(0);
  writer.bytes(sample_volume().bytes);
  writer.bytes(sample_file().bytes);
  const GcmNonce nonce = counting<12>(0xc0);
  writer.bytes(nonce);
  const MutableByteSpan sealed = all.subspan(kSpecialOverheadBytes);
  std::ranges::copy(payload.first(std::min(payload.size(), sealed.size())), sealed.begin());
  const Bytes associated = join(std::array{as_bytes("enfold/1/special"), ByteSpan(all.first(48))});
  Gcm(sample_keys().special(sample_file()).expose())
      .seal(nonce, associated, sealed, sealed, all.subspan(60).first<16>());
  return content;
}

std::array<std::uint8_t, kPageBytes> seal_any_sector(std::uint16_t length, std::uint16_t flags,
                                                     ByteSpan plain) {
  std::array<std::uint8_t, kPageBytes> page{};
  const MutableByteSpan all(page);
  const GcmNonce nonce = counting<12>(0xd0);
  std::ranges::copy(nonce, page.begin());
  ByteWriter(all.subspan(28, 2)).u16(length);
  ByteWriter(all.subspan(30, 2)).u16(flags);
  std::array<std::uint8_t, 8> index{};
  ByteWriter(index).u64(kAnySectorIndex);
  const Bytes associated = join(std::array<ByteSpan, 5>{as_bytes("enfold/1/sector"), sample_volume().bytes,
                                                        sample_file().bytes, index, all.subspan(28, 4)});
  std::ranges::copy(plain.first(std::min<std::size_t>(plain.size(), 4064)), all.subspan(32).begin());
  Gcm(sample_content_key(static_cast<std::uint8_t>(flags)).expose())
      .seal(nonce, associated, all.subspan(32), all.subspan(32), all.subspan(12).first<16>());
  return page;
}

}  // namespace enfold::format_test
