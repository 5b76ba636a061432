#include "fs/volume/open_volume.h"

#include <cerrno>

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
  [[nodiscard]] const std::string& kms_url() const override { return kms_url_; }
  [[nodiscard]] const std::string& key_arn() const override { return key_arn_; }
  Result<KeyDescription> describe_key() override { return kms_->describe_key(key_arn_); }

  Result<void> close() override;
  Result<void> checkpoint() override { return checkpoints_->run_once(); }
  Result<bool> recover() override { return checkpoints_->recover(); }

  Result<void> unwrap(const UnverifiedConfig& claimed, std::string kms_url, PassphraseSource& passphrase);
  Result<void> verify(const ConfigFile& config, const std::optional<Pin>& pin);
  Result<void> judge(const std::optional<Pin>& pin, bool vouched);
  Result<void> open_tree(const OpenRequest& request, Entropy& entropy, Clock& clock);
  // Config and pin say that this mount has the volume open; a read-only one only leaves a first pin.
  Result<void> begin(const std::optional<Pin>& pin);
  void start_checkpoints(bool background);

 private:
  [[nodiscard]] Pin pin(bool open, std::uint64_t takes_over) const {
    return {lower_, keys_->volume(), kms_url_,  key_arn_, keys_->commitment(),
            open,   mount_number_,   takes_over};
  }
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
  std::string kms_url_;
  std::string key_arn_;
  std::unique_ptr<KmsClient> kms_;
  std::unique_ptr<VolumeKeys> keys_;
  std::unique_ptr<Epochs> epochs_;
  std::unique_ptr<KeyCache> file_keys_;
  std::unique_ptr<VolumeContext> context_;
  std::unique_ptr<Checkpoints> checkpoints_;
  std::unique_ptr<Volume> tree_;
};

Result<void> OpenVolumeImpl::unwrap(const UnverifiedConfig& claimed, std::string kms_url,
                                    PassphraseSource& passphrase) {
  kms_url_ = std::move(kms_url);
  const Recipient& recipient = claimed.envelopes.front().recipients.front();
  key_arn_ = recipient.key_arn;
  ENFOLD_TRY_ASSIGN(kms_, open_kms(kms_url_, passphrase));
  VolumeSecret secret;
  auto unwrapped = kms_->decrypt(key_arn_, recipient.ciphertext, volume_secret_context(claimed.volume),
                                 secret.expose_mutable());
  if (!unwrapped)
    return add_context(std::move(unwrapped).error(),
                       lower_ + ": unwrapping the volume secret by " + kms_url_ + " with key " + key_arn_);
  keys_ = std::make_unique<VolumeKeys>(claimed.volume, std::move(secret));
  return {};
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
  file_keys_ = std::make_unique<KeyCache>(*kms_, *keys_, clock, key_arn_, limits);
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
  if (background && !context_->read_only) checkpoints_->start();
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
  ENFOLD_TRY_ASSIGN(std::string kms_url, choose_kms(request, lower, *claimed, pin));
  ENFOLD_TRY_ASSIGN(VolumeLock lock, VolumeLock::take(files, root->get(), lower, request.read_only));
  // Another mount may have ended between the first look and the lock.
  ENFOLD_TRY_ASSIGN(const ConfigFile locked_config, read_config_file(files, root->get(), lower));
  if (!std::ranges::equal(ByteSpan(config).first(kConfigStateOffset),
                          ByteSpan(locked_config).first(kConfigStateOffset)))
    return make_error(Errc::kBusy, lower + ": enfold.volume changed while it was opened; try again");
  auto volume = std::make_unique<OpenVolumeImpl>(lower, std::move(*root), std::move(lock), files);
  ENFOLD_TRY(volume->unwrap(*claimed, std::move(kms_url), passphrase));
  ENFOLD_TRY(volume->verify(locked_config, pin));
  ENFOLD_TRY(volume->judge(pin, request.recover));
  ENFOLD_TRY(volume->open_tree(request, entropy, clock));
  ENFOLD_TRY(volume->begin(pin));
  volume->start_checkpoints(request.background);
  return volume;
}

}  // namespace enfold
