// enfold status: what a volume is and who has it mounted. Needs no key; what it reads itself is not verified.
#include <fcntl.h>

#include <CLI/CLI.hpp>

#include "fs/volume/config_file.h"
#include "fs/volume/pin.h"
#include "fs/volume/volume_lock.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/volume_path.h"

namespace enfold {
namespace {

Fields fields_of(const MountStatus& status) {
  return {{"volume", status.volume},
          {"lower", status.lower},
          {"mounted", true},
          {"mountpoint", status.mountpoint},
          {"pid", status.pid},
          {"read_only", status.read_only},
          {"kms", status.kms_url},
          {"key", status.key_arn},
          {"key_state", status.key_state},
          {"key_material", status.key_material},
          {"mount_number", status.mount_number},
          {"recovering", status.recovering},
          {"rekeying", status.rekeying},
          {"verified", true}};
}

// Only asks: taking the lock, even for a moment, could refuse a mount that begins right now.
bool is_locked(const Fd& fd) {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  return ::fcntl(fd.get(), F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

// Locked, but nobody answers: a mount of another user or namespace, or a tool at work.
std::string locked_by(Files& files, int directory) {
  auto fd = files.open_at(directory, std::string(kLockName), O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
  if (!fd || !is_locked(*fd)) return {};
  auto holder = read_lock_holder(files, directory);
  if (!holder || holder->pid == 0) return "another process";
  return "process " + std::to_string(holder->pid) + " on host " + holder->host;
}

Result<Fields> fields_of_unmounted(const std::string& lower) {
  PosixFiles files;
  auto directory = files.open_at(AT_FDCWD, lower, O_RDONLY | O_DIRECTORY, 0);
  if (!directory) return add_context(std::move(directory).error(), lower);
  ENFOLD_TRY_ASSIGN(const ConfigFile config, read_config_file(files, directory->get(), lower));
  auto claimed = peek_config(config);
  if (!claimed) return add_context(std::move(claimed).error(), lower + "/enfold.volume");
  auto state = peek_config_state(config);
  if (!state) return add_context(std::move(state).error(), lower + "/enfold.volume");
  ENFOLD_TRY_ASSIGN(const std::optional<Pin> pin, read_pin(files, lower));
  const std::vector<Recipient>& recipients = claimed->envelopes.front().recipients;
  return Fields{{"volume", claimed->volume.hex()},
                {"lower", lower},
                {"mounted", false},
                {"in_use_by", locked_by(files, directory->get())},
                {"kms", pin ? pin->kms_url : std::string()},
                {"key", recipients.empty() ? std::string() : recipients.front().key_arn},
                {"pinned", pin && pin->volume == claimed->volume},
                {"rekeying", pin && pin->rekeying},
                {"state", std::string(state->open ? "open" : "closed")},
                {"mount_number", state->mount_number},
                {"verified", false}};
}

Result<int> run_status(const std::string& path, bool json) {
  ENFOLD_TRY_ASSIGN(const std::string lower, lower_directory_of(path));
  ENFOLD_TRY_ASSIGN(const std::optional<MountStatus> mounted, status_of_mount(lower));
  if (mounted) {
    print(fields_of(*mounted), json);
    return kExitSuccess;
  }
  ENFOLD_TRY_ASSIGN(const Fields fields, fields_of_unmounted(lower));
  print(fields, json);
  return kExitSuccess;
}

}  // namespace

void add_status_command(CLI::App& app, Invocation& invocation) {
  auto path = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("status", "Show what a volume is and where it is mounted");
  command->add_option("PATH", *path, "the directory of a volume, or where it is mounted")->required();
  command->footer(
      "Example:\n  enfold status ~/private\n"
      "Without a mount nothing is unlocked, so what is shown then is not verified.");
  command->callback([path, &invocation] {
    invocation.run = [path, &invocation] { return run_status(*path, invocation.json); };
  });
}

}  // namespace enfold
