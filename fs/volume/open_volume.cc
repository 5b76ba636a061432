#include "fs/volume/open_volume.h"

#include <cerrno>
#include <chrono>
#include <map>
#include <mutex>

#include "fs/volume/checkpoints.h"
#include "fs/volume/config_file.h"
#include "fs/volume/crash_state.h"
#include "fs/volume/pin.h"
#include "fs/volume/user_directories.h"
#include "fs/volume/volume_lock.h"
#include "kms/base/log.h"

namespace enfold {
namespace {

// Members are destroyed from the last to the first: the tree before what it stands on, the lock at the end.
class OpenVolumeImpl final : public OpenVolume {
 public:
  OpenVolumeImpl(std::string lower, Fd root, VolumeLock lock, Files& files)
      : files_(files), lower_(std::move(lower)), lock_(std::move(lock)), root_(std::move(root)) {}

  OpenVolumeImpl(const OpenVolumeImpl&) = delete;
  OpenVolumeImpl& operator=(const OpenVolumeImpl&) = delete;
  ~OpenVolumeImpl() override { end_tree(); }

  Volume& tree() override { return *tree_; }
  VolumeContext& context() override { return *context_; }
  [[nodiscard]] const std::string& lower_path() const override { return lower_; }
  [[nodiscard]] KeyHome key() const override {
    const std::lock_guard lock(key_mutex_);
    return key_;
  }
  [[nodiscard]] bool is_rekeying() const override {
    const std::lock_guard lock(key_mutex_);
    return rekeying_;
  }
  Result<KeyDescription> describe_key() override { return kms_->describe_key(key().key_arn); }

  Result<RekeyReport> rekey(const RekeyRequest& request, PassphraseSource& other_kms,
                            RekeyObserver& observer) override;
  Result<void> close() override;
  Result<void> checkpoint() override { return checkpoints_->run_once(); }
  Result<bool> recover() override { return checkpoints_->recover(); }

  Result<void> open_keys(const UnverifiedConfig& claimed, const std::string& kms_url,
                         const std::optional<Pin>& pin, PassphraseSource& passphrase);
  Result<void> unwrap(const UnverifiedConfig& claimed);
  Result<void> verify(const ConfigFile& config, const std::optional<Pin>& pin);
  Result<void> judge(const std::optional<Pin>& pin, bool vouched);
  Result<void> open_tree(const OpenRequest& request, Entropy& entropy, Clock& clock);
  // Config and pin say that this mount has the volume open; a read-only one only leaves a first pin.
  Result<void> begin(const std::optional<Pin>& pin);
  void start_checkpoints(bool background);

 private:
  [[nodiscard]] Pin pin(bool open, std::uint64_t takes_over) const {
    const std::lock_guard lock(key_mutex_);
    return {lower_, keys_->volume(), key_.kms_url, key_.key_arn, keys_->commitment(),
            open,   mount_number_,   takes_over,   rekeying_,    former_};
  }
  void route_former(PassphraseSource& passphrase);
  Result<void> pin_key(const KeyHome& key, std::vector<KeyHome> former, bool rekeying);
  void end_tree();
  Result<void> take_over();
  Result<void> write_first_pin();
  Result<void> write_state(const ConfigState& state);
  Result<void> end();
  [[nodiscard]] bool crashed() const { return crash_ == CrashState::kCrashed; }

  Files& files_;
  std::string lower_;
  VolumeLock lock_;
  Fd root_;
  ConfigFile config_{};
  ConfigState state_;  // as it is on disk
  CrashState crash_ = CrashState::kClean;
  std::uint64_t mount_number_ = 0;
  std::timed_mutex rekey_mutex_;  // held by the one that runs
  mutable std::mutex key_mutex_;  // guards what follows, up to the clients
  KeyHome key_;
  std::vector<KeyHome> former_;
  bool rekeying_ = false;
  std::unique_ptr<KmsRoutes> kms_;
  std::unique_ptr<VolumeKeys> keys_;
  std::unique_ptr<Epochs> epochs_;
  std::unique_ptr<KeyCache> file_keys_;
  std::unique_ptr<VolumeContext> context_;
  std::unique_ptr<Checkpoints> checkpoints_;
  std::unique_ptr<Volume> tree_;
};

Result<void> OpenVolumeImpl::open_keys(const UnverifiedConfig& claimed, const std::string& kms_url,
                                       const std::optional<Pin>& pin, PassphraseSource& passphrase) {
  key_ = {pin ? pin->key_arn : claimed.envelopes.front().recipients.front().key_arn, kms_url};
  if (pin) {
    former_ = pin->former;
    rekeying_ = pin->rekeying;
  }
  Result<KmsRoutes::Service> client = open_kms(kms_url, passphrase);
  // While a re-keying to another KMS is not finished, the config may still be under a key of the former one.
  if (!client && !rekeying_) return std::unexpected(std::move(client).error());
  kms_ = std::make_unique<KmsRoutes>(std::move(client));
  route_former(passphrase);
  return unwrap(claimed);
}

// Their KMS is opened while envelopes may still be under them; else whoever needs one is told where it is.
void OpenVolumeImpl::route_former(PassphraseSource& passphrase) {
  std::map<std::string, Result<KmsRoutes::Service>> opened;
  for (const KeyHome& former : former_) {
    const bool is_copy = former.key_arn == key_.key_arn;
    if (former.kms_url == key_.kms_url || (is_copy && !rekeying_)) continue;
    if (!rekeying_) {
      kms_->route(former.key_arn,
                  make_error(Errc::kKmsNotFound, former.key_arn + ": a former key of this volume, in " +
                                                     former.kms_url + "; `enfold rekey " + lower_ +
                                                     "` re-keys what came back under it"));
      continue;
    }
    if (!opened.contains(former.kms_url))
      opened.emplace(former.kms_url, open_kms(former.kms_url, passphrase));
    const auto& service = opened.at(former.kms_url);
    if (!is_copy)
      kms_->route(former.key_arn, service);
    else if (service)
      kms_->route(former.key_arn, kms_->main(), *service);
  }
}

Result<void> OpenVolumeImpl::unwrap(const UnverifiedConfig& claimed) {
  Error refusal;  // of the first
  bool is_first = true;
  for (const Envelope& envelope : claimed.envelopes) {
    const Recipient& recipient = envelope.recipients.front();
    VolumeSecret secret;
    auto unwrapped = kms_->decrypt(recipient.key_arn, recipient.ciphertext,
                                   volume_secret_context(claimed.volume), secret.expose_mutable());
    if (unwrapped) {
      keys_ = std::make_unique<VolumeKeys>(claimed.volume, std::move(secret));
      return {};
    }
    if (std::exchange(is_first, false))
      refusal = add_context(std::move(unwrapped).error(), lower_ + ": unwrapping the volume secret by " +
                                                              key_.kms_url + " with key " + recipient.key_arn)
                    .error();
  }
  return std::unexpected(std::move(refusal));
}

Result<void> OpenVolumeImpl::pin_key(const KeyHome& key, std::vector<KeyHome> former, bool rekeying) {
  const Pin before = pin(true, 0);
  Pin next = before;
  next.key_arn = key.key_arn;
  next.kms_url = key.kms_url;
  next.former = former;
  next.rekeying = rekeying;
  ENFOLD_TRY(write_pin(files_, next));
  const std::lock_guard lock(key_mutex_);
  key_ = key;
  former_ = std::move(former);
  rekeying_ = rekeying;
  return {};
}

Result<RekeyReport> OpenVolumeImpl::rekey(const RekeyRequest& request, PassphraseSource& other_kms,
                                          RekeyObserver& observer) {
  // One whose user has gone ends within moments.
  const std::unique_lock one(rekey_mutex_, std::chrono::seconds(10));
  if (!one) return make_error(Errc::kBusy, lower_ + ": another rekey of this volume runs; wait for it");
  RekeyParts parts{files_, root_.get(),         lower_, *keys_, *kms_, *file_keys_,
                   *tree_, context_->read_only, key(),  {},     {},    {}};
  {
    const std::lock_guard lock(key_mutex_);
    parts.former = former_;
  }
  parts.pin = [this](const KeyHome& key, std::vector<KeyHome> former, bool rekeying) {
    return pin_key(key, std::move(former), rekeying);
  };
  parts.open_kms = [&other_kms](const std::string& url) -> Result<KmsRoutes::Service> {
    ENFOLD_TRY_ASSIGN(auto client, open_kms(url, other_kms));
    return KmsRoutes::Service(std::move(client));
  };
  return rekey_volume(std::move(parts), request, observer);
}

Result<void> OpenVolumeImpl::verify(const ConfigFile& config, const std::optional<Pin>& pin) {
  if (pin && !equal_in_constant_time(keys_->commitment(), pin->commitment))
    return make_error(Errc::kPinMismatch,
                      lower_ +
                          ": the volume secret is not the pinned one, though volume id and key are: the "
                          "config or the KMS was exchanged; restore enfold.volume from a backup");
  auto decoded = decode_config(config, *keys_);
  if (!decoded)
    return add_context(std::move(decoded).error(),
                       lower_ + "/enfold.volume (restore it from a backup; the data is untouched)");
  config_ = config;
  state_ = decoded->state;
  return {};
}

Result<void> OpenVolumeImpl::judge(const std::optional<Pin>& pin, bool vouched) {
  ENFOLD_TRY_ASSIGN(crash_, crash_state(state_, pin, vouched, lower_));
  mount_number_ = next_mount_number(state_, pin);
  if (crashed()) log_warning(lower_ + ": the last mount never ended; what it left is looked after");
  if (is_older_copy(state_, pin))
    log_warning(lower_ + ": this copy of the volume is older than what this user mounted here last");
  return {};
}

AccessTimes access_times(const OpenRequest& request, const struct statvfs& lower) {
  if (!request.keeps_access_times || (lower.f_flag & ST_NOATIME) != 0) return AccessTimes::kNever;
  return (lower.f_flag & ST_RELATIME) != 0 ? AccessTimes::kRelative : AccessTimes::kStrict;
}

// Without a crash all that earlier mounts left is true.
Result<void> OpenVolumeImpl::open_tree(const OpenRequest& request, Entropy& entropy, Clock& clock) {
  const CrashEpoch before_this{mount_number_, 0};
  epochs_ = std::make_unique<Epochs>(CrashEpoch{mount_number_, 1}, crashed() ? state_.durable : before_this,
                                     crashed());
  KeyCache::Limits limits;
  limits.max_age_ns = request.key_max_age_ns;
  file_keys_ = std::make_unique<KeyCache>(*kms_, *keys_, clock, entropy, key().key_arn, limits);
  ENFOLD_TRY_ASSIGN(const struct statvfs lower, files_.stat_filesystem(root_.get()));
  context_ = std::make_unique<VolumeContext>(files_, entropy, clock, *keys_, *file_keys_, *epochs_,
                                             request.read_only, access_times(request, lower));
  ENFOLD_TRY_ASSIGN(Fd lower_root, files_.open_at(root_.get(), ".", O_RDONLY | O_DIRECTORY, 0));
  ENFOLD_TRY_ASSIGN(tree_, Volume::open(*context_, std::move(lower_root)));
  return {};
}

// The pin first: a config that says open beside a pin that does not is refused. Where a crash is taken over
// the pin goes with either number until the config has the new one.
Result<void> OpenVolumeImpl::begin(const std::optional<Pin>& pin) {
  if (context_->read_only) return pin ? Result<void>() : write_first_pin();
  if (crashed()) return take_over();
  ENFOLD_TRY(write_pin(files_, this->pin(true, 0)));
  return write_state({true, mount_number_, {mount_number_, 0}, 0});
}

// What the crashed mount wrote may still be on its way to the device, and is taken for durable from now on.
Result<void> OpenVolumeImpl::take_over() {
  auto synced = files_.sync_filesystem(root_.get());
  if (!synced)
    return add_context(std::move(synced).error(), lower_ + ": syncing what the crashed mount left");
  ENFOLD_TRY(write_pin(files_, pin(true, state_.mount_number)));
  ENFOLD_TRY(write_state({true, mount_number_, state_.durable, 0}));
  return write_pin(files_, pin(true, 0));
}

// With the number that the volume has: this mount writes none.
Result<void> OpenVolumeImpl::write_first_pin() {
  Pin first = pin(false, 0);
  first.mount_number = state_.mount_number;
  return write_pin(files_, first);
}

Result<void> OpenVolumeImpl::write_state(const ConfigState& state) {
  auto written = write_config_state(files_, root_.get(), config_, state, *keys_);
  if (!written) return add_context(std::move(written).error(), lower_ + ": writing the state of the volume");
  state_ = state;
  return {};
}

void OpenVolumeImpl::start_checkpoints(bool background) {
  checkpoints_ = std::make_unique<Checkpoints>(
      files_, root_.get(), *epochs_,
      Checkpoints::Steps{[this](const CrashEpoch& durable) {
                           return write_state({true, mount_number_, durable, 0});
                         },
                         [this] { tree_->checkpointed(); },
                         [this](const std::atomic<bool>& stop) { return tree_->recover(stop); }});
  if (!background || context_->read_only) return;
  checkpoints_->start();
  file_keys_->fetch_ahead();
}

// The tree's last changes are still told to the checkpoints.
void OpenVolumeImpl::end_tree() {
  if (checkpoints_) checkpoints_->stop();
  tree_.reset();
}

Result<void> OpenVolumeImpl::close() {
  end_tree();
  if (context_->read_only) return {};
  auto ended = end();
  if (!ended)
    return add_context(
        std::move(ended).error(),
        lower_ + ": the volume stays marked open; mount it again, which recovers what was not written");
  return ended;
}

Result<void> OpenVolumeImpl::end() {
  if (auto failure = epochs_->sync_failure()) return std::unexpected(*std::move(failure));
  if (!context_->unsealed.empty()) return system_error(EIO, "a file that was written could not be sealed");
  if (auto synced = files_.sync_filesystem(root_.get()); !synced) {
    epochs_->sync_failed(synced.error());
    return synced;
  }
  if (epochs_->recovering()) return {};
  ConfigState closed = state_;
  closed.open = false;
  ENFOLD_TRY(write_state(closed));
  return write_pin(files_, pin(false, 0));
}

// Which KMS to ask; everything that can be refused before a request leaves is refused here.
Result<std::string> choose_kms(const OpenRequest& request, const std::string& lower,
                               const UnverifiedConfig& claimed, const std::optional<Pin>& pin) {
  if (pin) {
    ENFOLD_TRY(check_against_pin(claimed, *pin, request.kms_url));
    return pin->kms_url;
  }
  if (!request.kms_url)
    return make_error(Errc::kPinMissing,
                      lower +
                          ": this user has no pin for a volume at this path, so the KMS to ask is not known; "
                          "if you trust this directory, name it: --kms embedded:DIR");
  for (const Envelope& envelope : claimed.envelopes)
    if (envelope.recipients.size() != 1)
      return make_error(Errc::kPinMismatch, lower + ": the config names " +
                                                std::to_string(envelope.recipients.size()) +
                                                " recipients, and a volume of this version has one; restore "
                                                "enfold.volume from a backup");
  return *request.kms_url;
}

}  // namespace

Result<std::unique_ptr<OpenVolume>> open_volume(const OpenRequest& request, PassphraseSource& passphrase,
                                                Files& files, Entropy& entropy, Clock& clock) {
  ENFOLD_TRY_ASSIGN(const std::string lower, canonical_path(request.lower));
  auto root = files.open_at(AT_FDCWD, lower, O_RDONLY | O_DIRECTORY, 0);
  if (!root) return add_context(std::move(root).error(), lower);
  // Read once, so that what was compared is what is verified.
  ENFOLD_TRY_ASSIGN(ConfigFile config, read_config_file(files, root->get(), lower));
  auto claimed = peek_config(config);
  if (!claimed) return add_context(std::move(claimed).error(), lower + "/enfold.volume");
  ENFOLD_TRY_ASSIGN(const std::optional<Pin> pin, read_pin(files, lower));
  ENFOLD_TRY_ASSIGN(const std::string kms_url, choose_kms(request, lower, *claimed, pin));
  ENFOLD_TRY_ASSIGN(VolumeLock lock, VolumeLock::take(files, root->get(), lower, request.read_only));
  // Another mount may have ended between the first look and the lock.
  ENFOLD_TRY_ASSIGN(const ConfigFile locked_config, read_config_file(files, root->get(), lower));
  if (!std::ranges::equal(ByteSpan(config).first(kConfigStateOffset),
                          ByteSpan(locked_config).first(kConfigStateOffset)))
    return make_error(Errc::kBusy, lower + ": enfold.volume changed while it was opened; try again");
  auto volume = std::make_unique<OpenVolumeImpl>(lower, std::move(*root), std::move(lock), files);
  ENFOLD_TRY(volume->open_keys(*claimed, kms_url, pin, passphrase));
  ENFOLD_TRY(volume->verify(locked_config, pin));
  ENFOLD_TRY(volume->judge(pin, request.recover));
  ENFOLD_TRY(volume->open_tree(request, entropy, clock));
  ENFOLD_TRY(volume->begin(pin));
  volume->start_checkpoints(request.background);
  return volume;
}

}  // namespace enfold
