#include "tests/format/vector_decoders.h"

#include <cstdlib>

#include "fs/format/config.h"
#include "fs/format/marker.h"
#include "fs/format/names.h"
#include "fs/format/sector.h"
#include "fs/format/special.h"
#include "fs/format/xattr.h"

namespace enfold::format_test {
namespace {

template <std::size_t N>
std::array<std::uint8_t, N> hex_field(const VectorCase& vector, const std::string& key) {
  Bytes bytes;
  const auto found = vector.fields.find(key);
  if (found == vector.fields.end() || !from_hex(found->second, bytes) || bytes.size() != N) std::abort();
  std::array<std::uint8_t, N> out{};
  std::ranges::copy(bytes, out.begin());
  return out;
}

VolumeKeys keys_of(const VectorCase& vector) {
  return {VolumeId{hex_field<16>(vector, "volume")}, VolumeSecret(hex_field<32>(vector, "secret"))};
}

std::string text(std::uint64_t value) { return std::to_string(value); }

std::string text(const Envelope& envelope) {
  std::string out = "generation=" + text(envelope.generation);
  for (const Recipient& recipient : envelope.recipients)
    out += " recipient=" + recipient.key_arn + "/" + to_hex(recipient.ciphertext) +
           (recipient.material_id.empty() ? "" : "/" + recipient.material_id);
  return out;
}

std::string text(const StateRecord& state) {
  return "clean=" + text(state.clean) + " epoch=" + text(state.epoch.mount) + "." +
         text(state.epoch.checkpoint) + " sealed=" + text(state.sealed_length) +
         " base=" + text(state.base_length) + " hole-end=" + text(state.hole_end) +
         " writes=" + text(state.sector_writes) + " key-epoch=" + text(state.key_epoch) +
         " parity=" + text(state.parity) + " parent=" + state.parent.hex() +
         (state.former ? " former-slot=" + text(state.former->slot_index) +
                             " former-salt=" + to_hex(state.former->salt) +
                             " former-commitment=" + to_hex(state.former->commitment)
                       : "");
}

Result<std::string> decode_header_page(const VectorCase& vector) {
  HeaderPage page{};
  if (vector.bytes.size() != page.size()) std::abort();
  std::ranges::copy(vector.bytes, page.begin());
  ENFOLD_TRY_ASSIGN(const Header header, decode_header(page, keys_of(vector)));
  return "file=" + header.prefix.file.hex() + " commitment=" + to_hex(header.prefix.commitment) +
         " slot=" + text(header.slot_index) + " " + text(header.envelope) + " " + text(header.state) +
         (header.former ? " former " + text(*header.former) : "");
}

// As a mount does it: first without the secret, then with it.
Result<std::string> decode_config_file(const VectorCase& vector) {
  ENFOLD_TRY(peek_config(vector.bytes));
  ENFOLD_TRY_ASSIGN(const Config config, decode_config(vector.bytes, keys_of(vector)));
  const ConfigState& state = config.state;
  return "volume=" + config.volume.hex() + " " + text(config.envelope) + " open=" + text(state.open) +
         " mount=" + text(state.mount_number) + " durable=" + text(state.durable.mount) + "." +
         text(state.durable.checkpoint) + " crashed-start=" + text(state.crashed_start_ns);
}

Result<std::string> decode_marker_file(const VectorCase& vector) {
  const VolumeKeys keys = keys_of(vector);
  ENFOLD_TRY_ASSIGN(const Marker marker, decode_marker(vector.bytes, keys.volume(), keys.marker_mac()));
  return "directory=" + marker.directory.hex() + " parent=" + marker.parent.hex();
}

Result<std::string> decode_special(const VectorCase& vector) {
  ENFOLD_TRY_ASSIGN(const Special special, open_special(vector.bytes, keys_of(vector)));
  return "file=" + special.file.hex() + " kind=" + text(static_cast<std::uint64_t>(special.kind)) +
         " target=" + to_hex(as_bytes(special.target)) + " device=" + text(special.device_major) + ":" +
         text(special.device_minor);
}

Result<std::string> decode_sector(const VectorCase& vector) {
  if (vector.bytes.size() != kPageBytes) std::abort();
  Gcm key(hex_field<32>(vector, "content-key"));
  const VolumeId volume{hex_field<16>(vector, "volume")};
  const FileId file{hex_field<16>(vector, "file")};
  const std::uint64_t index = std::strtoull(vector.fields.at("index").c_str(), nullptr, 10);
  std::array<std::uint8_t, kSectorPlainBytes> plain{};
  const auto length =
      open_sector(key, {volume, file, index}, ConstSectorPage(vector.bytes.data(), kPageBytes), plain);
  if (!length) return make_error(Errc::kDamaged, "sector");
  return "plain=" + to_hex(std::span(plain).first(*length));
}

Result<std::string> decode_name(const VectorCase& vector) {
  return decrypt_name(keys_of(vector).names(), DirectoryId{hex_field<16>(vector, "directory")},
                      as_string(vector.bytes));
}

Result<std::string> decode_sidecar(const VectorCase& vector) {
  return decrypt_hashed_name(keys_of(vector).names(), DirectoryId{hex_field<16>(vector, "directory")},
                             vector.fields.at("lower"), vector.bytes);
}

XattrCodec codec_of(const VectorCase& vector) {
  return {keys_of(vector), FileId{hex_field<16>(vector, "owner")}};
}

Result<std::string> decode_xattr_name(const VectorCase& vector) {
  return codec_of(vector).open_name(as_string(vector.bytes));
}

Result<std::string> decode_xattr_value(const VectorCase& vector) {
  ENFOLD_TRY_ASSIGN(const Bytes value, codec_of(vector).open_value(vector.fields.at("name"), vector.bytes));
  return to_hex(value);
}

// A derived key; the bytes are the header prefix that a file key is bound to.
Result<std::string> derive_key(const VectorCase& vector) {
  const VolumeKeys keys = keys_of(vector);
  const FileId file{hex_field<16>(vector, "file")};
  const FileKey file_key = keys.file_key(DataKey(hex_field<32>(vector, "data-key")), vector.bytes);
  const auto hex = [](const auto& secret) { return to_hex(secret.expose()); };
  if (vector.name == "volume-commitment") return to_hex(keys.commitment());
  if (vector.name == "config-mac") return hex(keys.config_mac());
  if (vector.name == "marker-mac") return hex(keys.marker_mac());
  if (vector.name == "slot-mac") return hex(keys.slot_mac(file));
  if (vector.name == "state-mac") return hex(keys.state_mac(file));
  if (vector.name == "special") return hex(keys.special(file));
  if (vector.name == "xattr-name") return hex(keys.xattr_names(file));
  if (vector.name == "xattr-value") return hex(keys.xattr_values(file));
  if (vector.name == "file-key") return hex(file_key);
  if (vector.name == "file-commitment") return to_hex(file_commitment(file_key));
  if (vector.name == "content-0") return hex(content_key(file_key, 0));
  if (vector.name == "content-255") return hex(content_key(file_key, 255));
  return make_error(Errc::kNotFound, "no such key: " + vector.name);
}

using Decoder = Result<std::string> (*)(const VectorCase&);

const std::map<std::string, Decoder>& decoders() {
  static const std::map<std::string, Decoder> table{{"keys", derive_key},
                                                    {"sector", decode_sector},
                                                    {"header", decode_header_page},
                                                    {"config", decode_config_file},
                                                    {"marker", decode_marker_file},
                                                    {"special", decode_special},
                                                    {"name", decode_name},
                                                    {"sidecar", decode_sidecar},
                                                    {"xattr-name", decode_xattr_name},
                                                    {"xattr-value", decode_xattr_value}};
  return table;
}

}  // namespace

Result<std::string> decode_vector(const std::string& structure, const VectorCase& vector) {
  const auto found = decoders().find(structure);
  if (found == decoders().end()) return make_error(Errc::kNotFound, "no such structure: " + structure);
  return found->second(vector);
}

}  // namespace enfold::format_test
