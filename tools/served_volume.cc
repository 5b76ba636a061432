#include "tools/served_volume.h"

#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "fs/control/control.h"
#include "kms/base/log.h"
#include "tools/control_messages.h"

namespace enfold {
namespace {

constexpr std::int64_t kProgressIntervalNs = 500'000'000;

// Sends what the check finds to the one who asked for it.
class SendingObserver final : public CheckObserver {
 public:
  SendingObserver(const ControlServer::Emit& emit, Clock& clock) : emit_(emit), clock_(clock) {}

  bool finding(const Finding& finding) override { return emit_(encode_control_message(finding)); }
  bool progress(const CheckCounts& counts) override {
    const std::int64_t now = clock_.monotonic_ns();
    if (now < next_ns_) return true;
    next_ns_ = now + kProgressIntervalNs;
    return emit_(encode_control_message(CheckProgress{counts}));
  }

 private:
  const ControlServer::Emit& emit_;
  Clock& clock_;
  std::int64_t next_ns_ = 0;
};

// The same for a rekey. A line goes out every few seconds, also while a KMS or a sync takes its time: so who
// asked does not give up, and is noticed when gone.
class SentRekey final : public RekeyObserver {
 public:
  SentRekey(const ControlServer::Emit& emit, Clock& clock)
      : emit_(emit), clock_(clock), beating_([this](const std::stop_token& stop) { beat(stop); }) {}

  bool finding(const Finding& finding) override {
    const std::lock_guard lock(mutex_);
    return send(finding);
  }
  bool progress(const RekeyCounts& counts) override {
    const std::lock_guard lock(mutex_);
    last_ = counts;
    const std::int64_t now = clock_.monotonic_ns();
    if (now < next_ns_) return alive_;
    next_ns_ = now + kProgressIntervalNs;
    return send(RekeyProgress{counts});
  }

 private:
  bool send(const ControlMessage& message) {
    alive_ = alive_ && emit_(encode_control_message(message));
    return alive_;
  }

  void beat(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!woken_.wait_for(lock, stop, kBeat, [] { return false; }) && !stop.stop_requested())
      send(RekeyProgress{last_});
  }

  static constexpr std::chrono::seconds kBeat{5};
  const ControlServer::Emit& emit_;
  Clock& clock_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable_any woken_;
  RekeyCounts last_;
  std::int64_t next_ns_ = 0;
  bool alive_ = true;
  std::jthread beating_;
};

// What came with the request; a mount has nobody to ask.
class SentPassphrase final : public PassphraseSource {
 public:
  explicit SentPassphrase(const std::optional<std::string>& sent) : sent_(sent) {}
  Result<Bytes> passphrase() override {
    if (sent_) return Bytes(sent_->begin(), sent_->end());
    return make_error(Errc::kInvalidArgument,
                      "the other key store needs a passphrase: give it with --to-passphrase-fd");
  }

 private:
  const std::optional<std::string>& sent_;
};

class ServedVolume final : public OpenVolume {
 public:
  explicit ServedVolume(std::string mountpoint) : mountpoint_(std::move(mountpoint)) {}

  Result<void> open(const OpenRequest& request, PassphraseSource& passphrase) {
    ENFOLD_TRY_ASSIGN(volume_, open_volume(request, passphrase, files_, entropy_, clock_));
    return {};
  }

  void listen() {
    auto path = control_socket_path(volume_->lower_path());
    if (!path) return log_warning("no control socket: " + describe(path.error()));
    auto server = ControlServer::start(
        *path,
        [this](const std::string& line, const ControlServer::Emit& emit) { return answer(line, emit); });
    if (!server) return log_warning("no control socket: " + describe(server.error()));
    server_ = std::move(*server);
  }

  Volume& tree() override { return volume_->tree(); }
  VolumeContext& context() override { return volume_->context(); }
  [[nodiscard]] const std::string& lower_path() const override { return volume_->lower_path(); }
  [[nodiscard]] KeyHome key() const override { return volume_->key(); }
  [[nodiscard]] bool is_rekeying() const override { return volume_->is_rekeying(); }
  Result<RekeyReport> rekey(const RekeyRequest& request, PassphraseSource& other_kms,
                            RekeyObserver& observer) override {
    return volume_->rekey(request, other_kms, observer);
  }
  Result<KeyDescription> describe_key() override { return volume_->describe_key(); }
  Result<void> close() override {
    server_.reset();
    return volume_->close();
  }
  Result<void> checkpoint() override { return volume_->checkpoint(); }
  Result<bool> recover() override { return volume_->recover(); }

 private:
  std::string answer(const std::string& line, const ControlServer::Emit& emit) {
    switch (parse_control_request(line)) {
      case ControlRequest::kStatus:
        return encode_control_message(status());
      case ControlRequest::kCheck:
        return check(emit);
      case ControlRequest::kRekey:
        if (const auto ask = decode_rekey_ask(line)) return rekey(*ask, emit);
        break;
      case ControlRequest::kUnknown:
        break;
    }
    return encode_control_message(
        Error{Errc::kUnsupported, 0, "this mount does not know the request; use the Enfold that it runs"});
  }

  MountStatus status() {
    const VolumeContext& context = volume_->context();
    MountStatus out{context.keys.volume().hex(),
                    lower_path(),
                    mountpoint_,
                    static_cast<std::uint64_t>(getpid()),
                    key().kms_url,
                    key().key_arn,
                    {},
                    {},
                    context.epochs.mount_number(),
                    context.read_only,
                    context.epochs.recovering(),
                    is_rekeying()};
    auto described = describe_key();
    out.key_state = described ? described->state : std::string(name_of(described.error().code));
    if (described) out.key_material = described->material_id;
    return out;
  }

  std::string check(const ControlServer::Emit& emit) {
    SendingObserver observer(emit, clock_);
    auto counts = check_volume(*this, observer);
    return counts ? encode_control_message(CheckDone{*counts}) : encode_control_message(counts.error());
  }

  std::string rekey(const RekeyAsk& ask, const ControlServer::Emit& emit) {
    SentRekey observer(emit, clock_);
    SentPassphrase passphrase(ask.passphrase);
    auto report = volume_->rekey(ask.request, passphrase, observer);
    return report ? encode_control_message(*report) : encode_control_message(report.error());
  }

  std::string mountpoint_;
  PosixFiles files_;
  SystemEntropy entropy_;
  SystemClock clock_;
  std::unique_ptr<OpenVolume> volume_;
  std::unique_ptr<ControlServer> server_;  // ends before the volume does
};

}  // namespace

Result<std::unique_ptr<OpenVolume>> open_served_volume(const OpenRequest& request,
                                                       PassphraseSource& passphrase, std::string mountpoint) {
  auto volume = std::make_unique<ServedVolume>(std::move(mountpoint));
  ENFOLD_TRY(volume->open(request, passphrase));
  volume->listen();
  return volume;
}

}  // namespace enfold
