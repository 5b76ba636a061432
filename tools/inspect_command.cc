// enfold inspect: what the structures of one lower file say in clear. No key is asked for, so nothing is
// verified.
#include <CLI/CLI.hpp>

#include "fs/format/config.h"
#include "fs/format/marker.h"
#include "fs/format/names.h"
#include "fs/format/special.h"
#include "kms/base/files.h"
#include "tools/commands.h"
#include "tools/output.h"

namespace enfold {
namespace {

// The start of the file, as much as any structure needs, and its size.
struct LowerFile {
  Bytes start;
  std::uint64_t size = 0;
};

Result<LowerFile> read_lower_file(const std::string& path) {
  PosixFiles files;
  auto fd = files.open_at(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
  if (!fd) return add_context(std::move(fd).error(), path);
  ENFOLD_TRY_ASSIGN(const StatX found, files.stat_at(fd->get(), ""));
  if (!S_ISREG(found.stx_mode))
    return make_error(Errc::kInvalidArgument,
                      path + ": is no regular file; name a file below the lower directory");
  LowerFile out{Bytes(kConfigBytes), found.stx_size};
  ENFOLD_TRY_ASSIGN(const std::size_t got, read_full(files, fd->get(), out.start, 0));
  out.start.resize(got);
  return out;
}

Fields fields_of(const Recipient& recipient) {
  return {{"key", recipient.key_arn},
          {"material", recipient.material_id},
          {"ciphertext_bytes", std::uint64_t{recipient.ciphertext.size()}}};
}

Fields fields_of(const Envelope& envelope) {
  std::vector<Fields> recipients;
  recipients.reserve(envelope.recipients.size());
  for (const Recipient& recipient : envelope.recipients) recipients.push_back(fields_of(recipient));
  return {{"generation", envelope.generation}, {"recipients", std::move(recipients)}};
}

std::string text_of(const CrashEpoch& epoch) {
  return std::to_string(epoch.mount) + "." + std::to_string(epoch.checkpoint);
}

Fields fields_of(const StateRecord& state) {
  return {{"clean", state.clean},
          {"epoch", text_of(state.epoch)},
          {"sealed_length", state.sealed_length},
          {"base_length", state.base_length},
          {"hole_end", state.hole_end},
          {"sector_writes", state.sector_writes},
          {"key_epoch", std::uint64_t{state.key_epoch}},
          {"parity", std::uint64_t{state.parity}},
          {"between_two_data_keys", state.former.has_value()},
          {"parent", state.parent.hex()}};
}

// That of the current data key first.
Result<std::vector<Envelope>> envelopes_of(const HeaderPage& page, const StateRecord& state) {
  std::vector<Envelope> out;
  for (std::uint8_t index : {std::uint8_t{0}, std::uint8_t{1}}) {
    ENFOLD_TRY_ASSIGN(auto envelope, decode_slot_unverified(slot_of(page, index)));
    if (envelope) out.push_back(*std::move(envelope));
  }
  if (out.empty()) return make_error(Errc::kDamaged, "file header: both envelope slots are empty");
  if (!state.former)
    std::ranges::sort(out, std::ranges::greater{}, &Envelope::generation);
  else if (out.size() == 2 && state.former->slot_index == 0)
    std::swap(out.front(), out.back());
  return out;
}

// The envelope that counts, and the other one where there is one.
void append_envelopes(const std::vector<Envelope>& envelopes, const std::string& other, Fields& out) {
  out.push_back({"envelope", fields_of(envelopes.front())});
  if (envelopes.size() > 1) out.push_back({other, fields_of(envelopes.back())});
}

Result<Fields> inspect_file(const LowerFile& file) {
  if (file.start.size() < kPageBytes)
    return make_error(Errc::kDamaged, "is shorter than a file header and is no other structure of a volume");
  HeaderPage page;
  std::ranges::copy(ByteSpan(file.start).first(kPageBytes), page.begin());
  ENFOLD_TRY_ASSIGN(const Prefix prefix, decode_prefix(prefix_of(std::as_const(page))));
  ENFOLD_TRY_ASSIGN(const StateRecord state, decode_state_unverified(state_of(std::as_const(page))));
  ENFOLD_TRY_ASSIGN(const std::vector<Envelope> envelopes, envelopes_of(page, state));
  const auto length = plain_length_of(file.size);
  Fields out{{"kind", std::string("file")},
             {"verified", false},
             {"volume", prefix.volume.hex()},
             {"file", prefix.file.hex()},
             {"lower_bytes", file.size},
             {"sectors", (file.size - kPageBytes) / kPageBytes},
             {"length", length ? std::to_string(*length) : "no file has this lower size"}};
  append_envelopes(envelopes, state.former ? "former_envelope" : "other_envelope", out);
  out.push_back({"state", fields_of(state)});
  return out;
}

Result<Fields> inspect_config(ByteSpan bytes) {
  ENFOLD_TRY_ASSIGN(const UnverifiedConfig config, peek_config(bytes));
  ENFOLD_TRY_ASSIGN(const ConfigState state, peek_config_state(bytes));
  Fields out{{"kind", std::string("volume config")}, {"verified", false}, {"volume", config.volume.hex()}};
  append_envelopes(config.envelopes, "other_envelope", out);
  out.push_back({"state", Fields{{"open", state.open},
                                 {"mount_number", state.mount_number},
                                 {"durable_epoch", text_of(state.durable)}}});
  return out;
}

Result<Fields> inspect_marker(ByteSpan bytes) {
  ENFOLD_TRY_ASSIGN(const Marker marker, decode_marker_unverified(bytes));
  return Fields{{"kind", std::string("directory marker")},
                {"verified", false},
                {"volume", marker.volume.hex()},
                {"directory", marker.directory.hex()},
                {"parent", marker.parent.hex()}};
}

std::string name_of(SpecialKind kind) {
  switch (kind) {
    case SpecialKind::kSymlink:
      return "symlink";
    case SpecialKind::kFifo:
      return "fifo";
    case SpecialKind::kSocket:
      return "socket";
    case SpecialKind::kCharDevice:
      return "character device";
    case SpecialKind::kBlockDevice:
      return "block device";
  }
  return "unknown";
}

Result<Fields> inspect_special(ByteSpan bytes) {
  ENFOLD_TRY_ASSIGN(const UnverifiedSpecial special, peek_special(bytes));
  return Fields{{"kind", name_of(special.kind)},
                {"verified", false},
                {"volume", special.volume.hex()},
                {"file", special.file.hex()}};
}

// The size tells most; a config and a file of 16,384 bytes are told apart by the magic.
Result<Fields> inspect(const LowerFile& file) {
  if (file.size == kMarkerBytes) return inspect_marker(file.start);
  if (special_kind_of(file.size)) return inspect_special(file.start);
  if (file.size == kConfigBytes) {
    auto config = inspect_config(file.start);
    if (config || config.error().code != Errc::kNotAVolume) return config;
  }
  return inspect_file(file);
}

Result<int> run_inspect(const std::string& path, bool json) {
  ENFOLD_TRY_ASSIGN(const LowerFile file, read_lower_file(path));
  auto fields = inspect(file);
  if (!fields) return add_context(std::move(fields).error(), path);
  print(*fields, json);
  return kExitSuccess;
}

}  // namespace

void add_inspect_command(CLI::App& app, Invocation& invocation) {
  auto path = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("inspect", "Show what a file below the lower directory says in clear");
  command->add_option("FILE", *path, "a lower file: of a file, a directory's marker, enfold.volume")
      ->required();
  command->footer(
      "Example:\n  enfold inspect ~/Dropbox/private/enfold.volume\n"
      "No key is asked for, so nothing that is shown is verified.");
  command->callback([path, &invocation] {
    invocation.run = [path, &invocation] { return run_inspect(*path, invocation.json); };
  });
}

}  // namespace enfold
