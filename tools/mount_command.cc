// enfold mount: everything that must be known or asked before the program goes into the background, then the
// mount.
#include <CLI/CLI.hpp>
#include <charconv>

#include "fs/mount/mount.h"
#include "fs/mount/mount_options.h"
#include "fs/volume/pin.h"
#include "fs/volume/user_directories.h"
#include "kms/store/root_key_file.h"
#include "tools/commands.h"
#include "tools/kms_location.h"
#include "tools/passphrase.h"
#include "tools/served_volume.h"

namespace enfold {
namespace {

struct MountCommandOptions {
  std::string lower;
  std::string mountpoint;
  std::vector<std::string> options;
  std::string kms;
  bool foreground = false;
  bool recover = false;
  PassphraseOrigin passphrase;
};

constexpr std::string_view kCacheOption = "key_cache_seconds=";
constexpr std::int64_t kMaxCacheSeconds = 86'400;

Result<std::int64_t> parse_cache_seconds(std::string_view option) {
  const std::string_view text = option.substr(kCacheOption.size());
  std::int64_t seconds = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || seconds < 1 ||
      seconds > kMaxCacheSeconds)
    return make_error(Errc::kInvalidArgument,
                      "-o " + std::string(option) + ": not a number of seconds from 1 to 86400; correct it");
  return seconds;
}

// What concerns opening alone is taken out of `options`; what concerns the mount, too, stays.
Result<OpenRequest> take_open_options(std::vector<std::string>& options, const std::string& lower) {
  OpenRequest request;
  request.lower = lower;
  std::vector<std::string> rest;
  for (const std::string& option : split_mount_options(options)) {
    if (option.starts_with(kCacheOption)) {
      ENFOLD_TRY_ASSIGN(const std::int64_t seconds, parse_cache_seconds(option));
      request.key_max_age_ns = seconds * 1'000'000'000;
      continue;
    }
    if (option == "ro") request.read_only = true;
    if (option == "rw") request.read_only = false;
    if (option == "noatime") request.keeps_access_times = false;
    if (option == "atime" || option == "relatime" || option == "strictatime")
      request.keeps_access_times = true;
    rest.push_back(option);
  }
  options = std::move(rest);
  return request;
}

// In the background there is no terminal to ask on, so the question comes now, and only where there will be
// one. What cannot be told yet is left to the opening, which reports it.
Result<void> ask_in_time(Files& files, const OpenRequest& request, ToolPassphrase& passphrase) {
  std::optional<std::string> kms_url = request.kms_url;
  if (!kms_url) {
    auto pin = read_pin(files, request.lower);
    const std::optional<Pin> known = pin ? *std::move(pin) : std::nullopt;
    if (known) kms_url = known->kms_url;
  }
  const auto directory = kms_url ? embedded_directory(*kms_url) : std::nullopt;
  if (!directory) return {};
  auto content = read_file(files, AT_FDCWD, *directory + "/root.key", kMaxRootKeyFileBytes);
  if (!content) return {};
  auto root_key = parse_root_key_file(*content);
  const bool is_sealed = root_key && root_key->kind == RootKeyKind::kPassphrase;
  if (root_key) wipe(root_key->body);
  wipe(*content);
  if (!is_sealed) return {};
  ENFOLD_TRY_ASSIGN(Bytes asked, passphrase.passphrase());
  wipe(asked);
  return {};
}

Result<int> run_mount(MountCommandOptions options) {
  PosixFiles files;
  ENFOLD_TRY_ASSIGN(const std::string lower, canonical_path(options.lower));
  ENFOLD_TRY_ASSIGN(OpenRequest request, take_open_options(options.options, lower));
  if (!options.kms.empty()) {
    ENFOLD_TRY_ASSIGN(request.kms_url, resolve_kms_url(options.kms));
  }
  request.recover = options.recover;
  ToolPassphrase passphrase(options.passphrase, "passphrase of the key store");
  ENFOLD_TRY(ask_in_time(files, request, passphrase));
  // A mount point that does not resolve is for serve_mount to report, or to clear.
  const std::string mountpoint = canonical_path(options.mountpoint).value_or(options.mountpoint);
  ENFOLD_TRY(serve_mount({lower, options.mountpoint, std::move(options.options), options.foreground},
                         [&] { return open_served_volume(request, passphrase, mountpoint); }));
  return kExitSuccess;
}

}  // namespace

void add_mount_command(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<MountCommandOptions>();
  CLI::App* command =
      app.add_subcommand("mount", "Mount a volume; fusermount3 -u or umount takes it away again");
  command->add_option("LOWER", options->lower, "the directory of the volume")->required();
  command->add_option("MOUNTPOINT", options->mountpoint, "where its files are to appear")->required();
  command
      ->add_option("-o", options->options, "mount options, as mount(8) takes them; ro; key_cache_seconds=N")
      ->type_name("OPTS")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option("--kms", options->kms,
                   "the key service of a volume that you mount here for the first time")
      ->type_name(kKmsUrlForms);
  command->add_flag("--foreground,-f", options->foreground,
                    "stay in the foreground and log to standard error");
  command->add_flag("--recover", options->recover,
                    "take a volume that says it was not unmounted, after its disk was moved here from a "
                    "machine that crashed, or as "
                    "a copy of a mounted one; your word for it: somebody who changed it could say the same");
  add_passphrase_options(*command, options->passphrase, "", "passphrase of the key store");
  command->footer(
      "Example:\n  enfold mount ~/Dropbox/private ~/private\n"
      "  enfold mount /srv/lower /mnt -o ro,key_cache_seconds=10 --kms embedded:/srv/keys");
  command->callback([options, &invocation] { invocation.run = [options] { return run_mount(*options); }; });
}

}  // namespace enfold
