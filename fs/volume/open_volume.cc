#include "fs/volume/open_volume.h"

#include <cerrno>

#include "fs/volume/config_file.h"
#include "fs/volume/pin.h"
#include "fs/volume/user_directories.h"
#include "fs/volume/volume_lock.h"

namespace enfold {
namespace {

// Members are destroyed from the last to the first: the tree before what it stands on, the lock at the end.
class OpenVolumeImpl final : public OpenVolume {
 public:
  OpenVolumeImpl(std::string lower, Fd root, VolumeLock lock, Files& files)
      : files_(files), lower_(std::move(lower)), lock_(std::move(lock)), root_(std::move(root)) {}

  Volume& tree() override { return *tree_; }
  VolumeContext& context() override { return *context_; }
  [[nodiscard]] const std::string& lower_path() const override { return lower_; }
  [[nodiscard]] const std::string& kms_url() const override { return kms_url_; }
  [[nodiscard]] const std::string& key_arn() const override { return key_arn_; }
  Result<KeyDescription> describe_key() override { return kms_->describe_key(key_arn_); }

  Result<void> close() override {
    tree_.reset();
    return mark(false);
  }

  Result<void> unwrap(const UnverifiedConfig& claimed, std::string kms_url, PassphraseSource& passphrase);
  Result<void> verify(const ConfigFile& config, const std::optional<Pin>& pin);
  Result<void> open_tree(const OpenRequest& request, Entropy& entropy, Clock& clock);
  // Writes into the config whether a mount has the volume open; nothing in a read-only one.
  Result<void> mark(bool open);
  [[nodiscard]] Pin pin() const {
    return {lower_, keys_->volume(), kms_url_, key_arn_, keys_->commitment(), state_.mount_number};
  }

 private:
  Files& files_;
  std::string lower_;
  VolumeLock lock_;
  Fd root_;
  ConfigFile config_{};
  ConfigState state_;
  std::string kms_url_;
  std::string key_arn_;
  std::unique_ptr<KmsClient> kms_;
  std::unique_ptr<VolumeKeys> keys_;
  std::unique_ptr<Epochs> epochs_;
  std::unique_ptr<KeyCache> file_keys_;
  std::unique_ptr<VolumeContext> context_;
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

Result<void> OpenVolumeImpl::open_tree(const OpenRequest& request, Entropy& entropy, Clock& clock) {
  if (!request.read_only) ++state_.mount_number;
  KeyCache::Limits limits;
  limits.max_age_ns = request.key_max_age_ns;
  const CrashEpoch first{state_.mount_number, 1};
  epochs_ = std::make_unique<Epochs>(first, CrashEpoch{state_.mount_number, 0}, false);
  file_keys_ = std::make_unique<KeyCache>(*kms_, *keys_, clock, key_arn_, limits);
  context_ = std::make_unique<VolumeContext>(files_, entropy, clock, *keys_, *file_keys_, *epochs_, request.read_only);
  ENFOLD_TRY_ASSIGN(Fd lower_root, files_.open_at(root_.get(), ".", O_RDONLY | O_DIRECTORY, 0));
  ENFOLD_TRY_ASSIGN(tree_, Volume::open(*context_, std::move(lower_root)));
  return {};
}

Result<void> OpenVolumeImpl::mark(bool open) {
  if (context_->read_only) return {};
  state_.open = open;
  auto written = write_config_state(files_, root_.get(), config_, state_, *keys_);
  if (!written)
    return add_context(std::move(written).error(),
                       lower_ + (open ? ": marking the volume open" : ": marking the volume closed"));
  return {};
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
  ENFOLD_TRY(volume->open_tree(request, entropy, clock));
  if (!pin) ENFOLD_TRY(write_pin(files, volume->pin()));
  ENFOLD_TRY(volume->mark(true));
  return volume;
}

}  // namespace enfold
