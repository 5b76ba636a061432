#include "fs/volume/pin.h"

#include "fs/volume/user_directories.h"
#include "kms/base/whole_file.h"
#include "kms/crypto/hkdf.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <sstream>

namespace enfold {
namespace {

constexpr std::int64_t kPinVersion = 1;
constexpr std::size_t kMaxPinBytes = 64 * 1024;

template <std::size_t N>
bool read_hex(const toml::table& table, std::string_view name, std::array<std::uint8_t, N>& out) {
  Bytes bytes;
  if (!from_hex(table[name].value_or(std::string_view()), bytes) || bytes.size() != N) return false;
  std::ranges::copy(bytes, out.begin());
  return true;
}

std::optional<std::vector<KeyHome>> read_former(const toml::table& table) {
  std::vector<KeyHome> out;
  const toml::array* former = table["former"].as_array();
  if (former == nullptr) return out;
  for (const toml::node& node : *former) {
    const toml::table* key = node.as_table();
    if (key == nullptr) return std::nullopt;
    out.push_back({(*key)["key"].value_or(std::string()), (*key)["kms"].value_or(std::string())});
    if (out.back().key_arn.empty() || out.back().kms_url.empty()) return std::nullopt;
  }
  return out;
}

toml::array to_toml(const std::vector<KeyHome>& former) {
  toml::array out;
  for (const KeyHome& key : former) out.push_back(toml::table{{"key", key.key_arn}, {"kms", key.kms_url}});
  return out;
}

std::optional<Pin> parse(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) return std::nullopt;
  const toml::table& table = parsed.table();
  if (table["version"].value_or(std::int64_t{0}) != kPinVersion) return std::nullopt;
  Pin pin;
  pin.lower = table["path"].value_or(std::string());
  pin.kms_url = table["kms"].value_or(std::string());
  pin.key_arn = table["key"].value_or(std::string());
  const auto mount_number = table["mount_number"].value<std::int64_t>();
  const std::string_view state = table["state"].value_or(std::string_view());
  const auto takes_over = table["takes_over"].value_or(std::int64_t{0});
  if ((state != "open" && state != "closed") || takes_over < 0) return std::nullopt;
  pin.open = state == "open";
  pin.takes_over = static_cast<std::uint64_t>(takes_over);
  if (pin.lower.empty() || pin.kms_url.empty() || pin.key_arn.empty() || !mount_number || *mount_number < 0)
    return std::nullopt;
  pin.mount_number = static_cast<std::uint64_t>(*mount_number);
  if (!read_hex(table, "volume", pin.volume.bytes) || !read_hex(table, "commitment", pin.commitment))
    return std::nullopt;
  pin.rekeying = table["rekeying"].value_or(false);
  auto former = read_former(table);
  if (!former) return std::nullopt;
  pin.former = *std::move(former);
  return pin;
}

std::string format(const Pin& pin) {
  const toml::table table{
      {"version", kPinVersion},
      {"path", pin.lower},
      {"volume", pin.volume.hex()},
      {"kms", pin.kms_url},
      {"key", pin.key_arn},
      {"commitment", to_hex(pin.commitment)},
      {"state", pin.open ? "open" : "closed"},
      {"mount_number", static_cast<std::int64_t>(pin.mount_number)},
      {"takes_over", static_cast<std::int64_t>(pin.takes_over)},
      {"rekeying", pin.rekeying},
      {"former", to_toml(pin.former)},
  };
  std::ostringstream out;
  out << "# What Enfold trusts about the volume at this path. Delete this file only when you replaced the\n"
         "# volume on purpose; then mount it once with --kms.\n"
      << table << "\n";
  return out.str();
}

bool is_allowed(const std::string& key_arn, const Pin& pin) {
  if (key_arn == pin.key_arn) return true;
  return pin.rekeying && std::ranges::find(pin.former, key_arn, &KeyHome::key_arn) != pin.former.end();
}

std::unexpected<Error> mismatch(const Pin& pin, const std::string& what) {
  auto file = pin_file_of(pin.lower);
  return make_error(Errc::kPinMismatch,
                    pin.lower + ": " + what +
                        ", and no KMS was asked; if you changed this on purpose, delete the pin " +
                        (file ? *file : std::string("of this path")) + " and mount once with --kms");
}

}  // namespace

Result<std::string> pin_file_of(const std::string& canonical_lower) {
  ENFOLD_TRY_ASSIGN(std::string directory, user_config_directory());
  const Digest digest = sha256({as_bytes(canonical_lower)});
  return directory + "/enfold/volumes/" + to_hex(ByteSpan(digest).first(16)) + ".toml";
}

Result<std::optional<Pin>> read_pin(Files& files, const std::string& canonical_lower) {
  ENFOLD_TRY_ASSIGN(const std::string file, pin_file_of(canonical_lower));
  auto content = read_file(files, AT_FDCWD, file, kMaxPinBytes);
  if (!content && content.error().errno_value == ENOENT) return std::nullopt;
  if (!content) return add_context(std::move(content).error(), "reading the pin " + file);
  std::optional<Pin> pin = parse(as_string(*content));
  if (!pin || pin->lower != canonical_lower)
    return make_error(Errc::kDamaged,
                      file + ": is no pin of " + canonical_lower +
                          " that this program can read; restore it from a backup, or delete it "
                          "and mount once with --kms");
  return pin;
}

Result<void> write_pin(Files& files, const Pin& pin) {
  ENFOLD_TRY_ASSIGN(const std::string file, pin_file_of(pin.lower));
  ENFOLD_TRY(make_directories(files, parent_of(file)));
  auto written = replace_file(files, AT_FDCWD, file, as_bytes(format(pin)), 0600);
  if (!written) return add_context(std::move(written).error(), "writing the pin " + file);
  return {};
}

Result<void> check_against_pin(const UnverifiedConfig& config, const Pin& pin,
                               const std::optional<std::string>& kms_url) {
  if (config.volume != pin.volume)
    return mismatch(pin, "another volume (" + config.volume.hex() + ") is in the place of the pinned one (" +
                             pin.volume.hex() + ")");
  if (kms_url && *kms_url != pin.kms_url)
    return mismatch(pin, "--kms " + *kms_url + " is not the pinned KMS " + pin.kms_url);
  for (const Envelope& envelope : config.envelopes) {
    if (envelope.recipients.size() != 1)
      return mismatch(pin, "the config names " + std::to_string(envelope.recipients.size()) +
                               " recipients instead of one");
    if (!is_allowed(envelope.recipients.front().key_arn, pin))
      return mismatch(pin, "the config names the key " + envelope.recipients.front().key_arn +
                               " instead of the pinned " + pin.key_arn);
  }
  return {};
}

}  // namespace enfold
