// enfold rekey: asks the mount where there is one, else opens the volume itself.
#include <csignal>

#include <CLI/CLI.hpp>
#include <atomic>
#include <thread>

#include "fs/control/control.h"
#include "tools/commands.h"
#include "tools/control_messages.h"
#include "tools/kms_location.h"
#include "tools/output.h"
#include "tools/passphrase.h"
#include "tools/printable.h"
#include "tools/progress_line.h"
#include "tools/rekey_progress.h"
#include "tools/rekey_report.h"
#include "tools/volume_path.h"

namespace enfold {
namespace {

struct RekeyOptions {
  std::string path;
  std::string kms;
  std::string to_key;
  std::string to_kms;
  unsigned jobs = 0;
  bool dry_run = false;
  bool status = false;
  bool new_data_keys = false;
  PassphraseOrigin passphrase;
  PassphraseOrigin to_passphrase;

  [[nodiscard]] RekeyMode mode() const {
    if (status) return RekeyMode::kStatus;
    return dry_run ? RekeyMode::kDryRun : RekeyMode::kRun;
  }
};

std::atomic<bool> is_interrupted{false};

// What is under way is finished, and the rest left to the next run.
class InterruptedGently {
 public:
  InterruptedGently() {
    struct sigaction action {};
    action.sa_handler = [](int) { is_interrupted = true; };
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGINT, &action, &before_int_);
    ::sigaction(SIGTERM, &action, &before_term_);
  }
  InterruptedGently(const InterruptedGently&) = delete;
  InterruptedGently& operator=(const InterruptedGently&) = delete;
  ~InterruptedGently() {
    ::sigaction(SIGINT, &before_int_, nullptr);
    ::sigaction(SIGTERM, &before_term_, nullptr);
  }

 private:
  struct sigaction before_int_ {};
  struct sigaction before_term_ {};
};

class Screen final : public RekeyObserver {
 public:
  Screen(bool json, Clock& clock) : json_(json), line_(clock) {}

  bool finding(const Finding& finding) override {
    findings.push_back({{"severity", std::string(name_of(finding.severity))},
                        {"path", finding.plain_path},
                        {"lower_path", finding.lower_path},
                        {"what", finding.what}});
    line_.clear();
    print_line(std::string(name_of(finding.severity)) + ": " + printable(finding.plain_path) + " (lower " +
                   printable(finding.lower_path) + "): " + printable(finding.what),
               json_);
    return !is_interrupted;
  }

  bool progress(const RekeyCounts& counts) override {
    progress_.hear(counts, line_.seconds());
    if (line_.is_due()) line_.show(progress_.text(line_.seconds()));
    return !is_interrupted;
  }

  void clear() { line_.clear(); }
  [[nodiscard]] double seconds() const { return line_.seconds(); }
  std::vector<Fields> findings;

 private:
  bool json_;
  ProgressLine line_;
  RekeyProgressText progress_;
};

Result<RekeyAsk> ask_of(const RekeyOptions& options) {
  RekeyAsk ask;
  ask.request.mode = options.mode();
  ask.request.new_data_keys = options.new_data_keys;
  const unsigned processors = std::max(std::thread::hardware_concurrency(), 1U);
  ask.request.jobs = options.jobs != 0 ? options.jobs : std::min(processors, 16U);
  if (!options.to_key.empty()) ask.request.to_key = options.to_key;
  if (!options.to_kms.empty()) {
    ENFOLD_TRY_ASSIGN(ask.request.to_kms, resolve_kms_url(options.to_kms));
  }
  return ask;
}

// Nothing where no mount answers.
Result<std::optional<RekeyReport>> rekey_by_mount(const RekeyOptions& options, RekeyAsk ask,
                                                  const std::string& lower, ToolPassphrase& other,
                                                  Screen& screen) {
  ENFOLD_TRY_ASSIGN(const std::string socket, control_socket_path(lower));
  if (options.to_passphrase.is_given()) {
    ENFOLD_TRY_ASSIGN(const Bytes passphrase, other.passphrase());
    ask.passphrase = as_string(passphrase);
  }
  const auto take = [&screen](const std::string& line) {
    auto message = decode_control_message(line);
    if (!message) return !is_interrupted;
    if (const auto* finding = std::get_if<Finding>(&*message)) return screen.finding(*finding);
    if (const auto* progress = std::get_if<RekeyProgress>(&*message))
      return screen.progress(progress->counts);
    return !is_interrupted;
  };
  ENFOLD_TRY_ASSIGN(const std::optional<std::string> last,
                    control_request(socket, encode_rekey_ask(ask), take));
  if (!last) return std::nullopt;
  ENFOLD_TRY_ASSIGN(ControlMessage message, decode_control_message(*last));
  if (auto* error = std::get_if<Error>(&message)) return std::unexpected(std::move(*error));
  if (auto* report = std::get_if<RekeyReport>(&message)) return std::move(*report);
  return make_error(Errc::kBusy, "the mount ended before the rekey did; run it again to go on");
}

Result<RekeyReport> rekey_directly(const RekeyOptions& options, const RekeyAsk& ask, const std::string& lower,
                                   ToolPassphrase& other, Screen& screen, Clock& clock) {
  PosixFiles files;
  SystemEntropy entropy;
  OpenRequest request;
  request.lower = lower;
  request.read_only = ask.request.mode != RekeyMode::kRun;
  request.background = false;
  if (!options.kms.empty()) {
    ENFOLD_TRY_ASSIGN(request.kms_url, resolve_kms_url(options.kms));
  }
  ToolPassphrase passphrase(options.passphrase, "passphrase of the key store");
  // A run that was cut has pinned the other store already: the same command has the passphrases the same way.
  ENFOLD_TRY_ASSIGN(const std::optional<Pin> pin, read_pin(files, lower));
  const bool is_there = pin && ask.request.to_kms == pin->kms_url && options.to_passphrase.is_given();
  ToolPassphrase& own = is_there ? other : passphrase;
  ENFOLD_TRY_ASSIGN(const auto volume, open_volume(request, own, files, entropy, clock));
  // What writes after a crash recovers first.
  if (!request.read_only) ENFOLD_TRY(volume->recover());
  auto report = volume->rekey(ask.request, is_there ? passphrase : other, screen);
  auto closed = volume->close();
  if (!report) return report;
  if (!closed) return std::unexpected(std::move(closed).error());
  return report;
}

Result<RekeyReport> rekey(const RekeyOptions& options, const std::string& lower, Screen& screen,
                          Clock& clock) {
  ENFOLD_TRY_ASSIGN(const RekeyAsk ask, ask_of(options));
  const InterruptedGently gently;
  // A descriptor gives it once.
  ToolPassphrase other(options.to_passphrase, "passphrase of the other key store", "to-");
  ENFOLD_TRY_ASSIGN(auto by_mount, rekey_by_mount(options, ask, lower, other, screen));
  if (by_mount) return *std::move(by_mount);
  return rekey_directly(options, ask, lower, other, screen, clock);
}

std::string how_to_go_on(const std::string& lower) {
  return "every file opens as before, and what is done stays done; to go on: enfold rekey " + lower;
}

Result<std::string> volume_of(const std::string& lower) {
  ENFOLD_TRY_ASSIGN(const std::optional<MountStatus> mounted, status_of_mount(lower));
  if (mounted) return mounted->volume;
  PosixFiles files;
  ENFOLD_TRY_ASSIGN(const std::optional<Pin> pin, read_pin(files, lower));
  return pin ? pin->volume.hex() : std::string();
}

Result<int> run_rekey(const RekeyOptions& options, bool json) {
  SystemClock clock;
  Screen screen(json, clock);
  ENFOLD_TRY_ASSIGN(const std::string lower, lower_directory_of(options.path));
  auto report = rekey(options, lower, screen, clock);
  screen.clear();
  if (!report && is_interrupted) {
    print({{"stopped", true}, {"what_to_do", how_to_go_on(lower)}}, json);
    return kExitStopped;
  }
  if (!report && options.mode() == RekeyMode::kRun) return add_context(std::move(report).error(), lower);
  if (!report) return std::unexpected(std::move(report).error());
  ENFOLD_TRY_ASSIGN(std::string volume, volume_of(lower));
  print_rekey({std::move(volume), lower, options.mode(), screen.seconds(), std::move(screen.findings)},
              *report, json);
  const bool was_asked_for_all = options.mode() == RekeyMode::kRun;
  const bool is_all_known = report->counts.left == 0;
  return (was_asked_for_all ? report->is_complete : is_all_known) ? kExitSuccess : kExitLeft;
}

}  // namespace

void add_rekey_command(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<RekeyOptions>();
  CLI::App* command = app.add_subcommand(
      "rekey", "Wrap every file's key anew: with newer material, under another key, or in another KMS");
  command->add_option("PATH", options->path, "the directory of a volume, or where it is mounted")->required();
  command->add_option("--to-key", options->to_key, "the key to wrap under (default: the volume's own)")
      ->type_name("KEY");
  command->add_option("--to-kms", options->to_kms, "the key service of that key (default: the volume's own)")
      ->type_name(kKmsUrlForms);
  command->add_option("--jobs", options->jobs, "threads (default: as many as processors)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  command->add_flag(
      "--new-data-keys", options->new_data_keys,
      "give every file whose data key is older than the key's material a new one, and encrypt it "
      "again: who kept an old header and the old key does not open what is there afterwards");
  auto* dry_run = command->add_flag("--dry-run", options->dry_run, "try the key, count, and change nothing");
  command->add_flag("--status", options->status, "count files by the key that they are under")
      ->excludes(dry_run);
  command->add_option("--kms", options->kms, "the key service of a volume that this user has never mounted")
      ->type_name(kKmsUrlForms);
  add_passphrase_options(*command, options->passphrase, "", "passphrase of the volume's key store");
  add_passphrase_options(*command, options->to_passphrase, "to-", "passphrase of the other key store");
  command->footer(
      "Example:\n  enfold rekey ~/private --status\n  enfold key rotate KEY && enfold rekey ~/private\n"
      "  enfold rekey /srv/lower --to-kms unix:/run/enfold-kms/kms.sock --to-key KEY\n"
      "Works beside a mount and its users. May be stopped at any time; the same command goes on.");
  command->callback([options, &invocation] {
    invocation.run = [options, &invocation] { return run_rekey(*options, invocation.json); };
  });
}

}  // namespace enfold
