// enfold check: asks the mount where there is one, else opens the volume itself, and writes nothing either
// way; with --repair it needs the volume to itself.
#include <CLI/CLI.hpp>

#include "fs/control/control.h"
#include "fs/volume/check.h"
#include "tools/commands.h"
#include "tools/control_messages.h"
#include "tools/kms_location.h"
#include "tools/output.h"
#include "tools/passphrase.h"
#include "tools/printable.h"
#include "tools/progress_line.h"
#include "tools/volume_path.h"

namespace enfold {
namespace {

struct CheckOptions {
  std::string path;
  std::string kms;
  bool repair = false;
  PassphraseOrigin passphrase;
};

// The answer as it grows: findings at once, or gathered for --json; how far it is on standard error.
class Report final : public CheckObserver {
 public:
  Report(bool json, Clock& clock) : json_(json), line_(clock) {}

  bool finding(const Finding& finding) override {
    Fields fields{{"severity", std::string(name_of(finding.severity))},
                  {"path", finding.plain_path},
                  {"lower_path", finding.lower_path},
                  {"what", finding.what}};
    if (json_) findings_.push_back(std::move(fields));
    line_.clear();
    print_line(std::string(name_of(finding.severity)) + ": " + printable(finding.plain_path) + " (lower " +
                   printable(finding.lower_path) + "): " + printable(finding.what),
               json_);
    return true;
  }

  bool progress(const CheckCounts& counts) override {
    if (line_.is_due()) show(counts);
    return true;
  }

  int finish(const CheckCounts& counts) {
    line_.clear();
    print_line(std::to_string(counts.files) + " files, " + std::to_string(counts.directories) +
                   " directories, " + std::to_string(counts.special_objects) + " special objects, " +
                   std::to_string(counts.content_bytes) + " bytes: " +
                   (counts.findings == 0 ? "clean" : std::to_string(counts.findings) + " findings"),
               json_);
    if (json_)
      print({{"clean", counts.findings == 0},
             {"files", counts.files},
             {"directories", counts.directories},
             {"special_objects", counts.special_objects},
             {"content_bytes", counts.content_bytes},
             {"findings", std::move(findings_)}},
            true);
    return counts.findings == 0 ? kExitSuccess : kExitFindings;
  }

 private:
  void show(const CheckCounts& counts) {
    const std::uint64_t mib = counts.content_bytes >> 20U;
    line_.show("checked " + std::to_string(counts.files) + " files, " + std::to_string(mib) + " MiB, " +
               std::to_string(static_cast<std::uint64_t>(static_cast<double>(mib) / line_.seconds())) +
               " MiB/s, " + std::to_string(counts.findings) + " findings");
  }

  bool json_;
  ProgressLine line_;
  std::vector<Fields> findings_;
};

// Nothing where no mount answers.
Result<std::optional<CheckCounts>> check_by_mount(const std::string& lower, Report& report) {
  ENFOLD_TRY_ASSIGN(const std::string socket, control_socket_path(lower));
  const auto take = [&report](const std::string& line) {
    auto message = decode_control_message(line);
    if (!message) return true;
    if (const auto* finding = std::get_if<Finding>(&*message)) return report.finding(*finding);
    if (const auto* progress = std::get_if<CheckProgress>(&*message))
      return report.progress(progress->counts);
    return true;
  };
  ENFOLD_TRY_ASSIGN(const std::optional<std::string> last, control_request(socket, kCheckRequest, take));
  if (!last) return std::nullopt;
  ENFOLD_TRY_ASSIGN(ControlMessage message, decode_control_message(*last));
  if (auto* error = std::get_if<Error>(&message)) return std::unexpected(std::move(*error));
  if (const auto* done = std::get_if<CheckDone>(&message)) return done->counts;
  return make_error(Errc::kBusy, lower + ": the mount ended before the check did; start it again");
}

Result<CheckCounts> check_directly(const CheckOptions& options, const std::string& lower, Report& report,
                                   Clock& clock) {
  PosixFiles files;
  SystemEntropy entropy;
  OpenRequest request;
  request.lower = lower;
  request.read_only = !options.repair;
  request.background = false;
  if (!options.kms.empty()) {
    ENFOLD_TRY_ASSIGN(request.kms_url, resolve_kms_url(options.kms));
  }
  ToolPassphrase passphrase(options.passphrase, "passphrase of the key store");
  auto volume = open_volume(request, passphrase, files, entropy, clock);
  if (!volume && options.repair && volume.error().code == Errc::kBusy)
    return add_context(std::move(volume).error(),
                       "check --repair needs the volume to itself; unmount it first");
  if (!volume) return std::unexpected(std::move(volume).error());
  // What writes after a crash recovers first.
  if (options.repair) ENFOLD_TRY((*volume)->recover());
  auto counts = check_volume(**volume, report, options.repair ? CheckMode::kRepair : CheckMode::kReport);
  ENFOLD_TRY((*volume)->close());
  return counts;
}

Result<int> run_check(const CheckOptions& options, bool json) {
  SystemClock clock;
  Report report(json, clock);
  ENFOLD_TRY_ASSIGN(const std::string lower, lower_directory_of(options.path));
  if (!options.repair) {
    ENFOLD_TRY_ASSIGN(const std::optional<CheckCounts> by_mount, check_by_mount(lower, report));
    if (by_mount) return report.finish(*by_mount);
  }
  ENFOLD_TRY_ASSIGN(const CheckCounts counts, check_directly(options, lower, report, clock));
  return report.finish(counts);
}

}  // namespace

void add_check_command(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* command = app.add_subcommand("check", "Read and verify everything in a volume");
  command->add_option("PATH", options->path, "the directory of a volume, or where it is mounted")->required();
  command->add_option("--kms", options->kms, "the key service of a volume that this user has never mounted")
      ->type_name(kKmsUrlForms);
  command->add_flag("--repair", options->repair,
                    "write lost or exchanged markers of directories again where what is in them tells how");
  add_passphrase_options(*command, options->passphrase, "", "passphrase of the key store");
  command->footer(
      "Example:\n  enfold check ~/Dropbox/private && echo clean\n"
      "Ends with 0 where all is well and with 1 where something was found.");
  command->callback([options, &invocation] {
    invocation.run = [options, &invocation] { return run_check(*options, invocation.json); };
  });
}

}  // namespace enfold
