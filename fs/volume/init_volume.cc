#include <cerrno>
#include <memory>
#include <tuple>

#include "fs/format/marker.h"
#include "fs/volume/config_file.h"
#include "fs/volume/kms_answers.h"
#include "fs/volume/lower_probe.h"
#include "fs/volume/open_volume.h"
#include "fs/volume/pin.h"
#include "fs/volume/user_directories.h"
#include "kms/base/whole_file.h"

namespace enfold {
namespace {

// "x/y/" -> "x" and "y"; "y" -> "." and "y".
struct SplitPath {
  std::string parent;
  std::string name;
};

SplitPath split(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// The directory where a probe may be made: `lower` itself, or its parent where it is still to be made.
struct Target {
  Fd directory;
  bool exists = false;
};

Result<void> refuse_content(Files& files, int directory, const std::string& lower) {
  ENFOLD_TRY_ASSIGN(const std::vector<LowerEntry> entries, files.list(directory));
  if (entries.empty()) return {};
  if (files.stat_at(directory, std::string(kConfigName)))
    return make_error(Errc::kNotEmpty, lower +
                                           ": is an Enfold volume already; mount it with `enfold mount`, or "
                                           "name an empty directory");
  return make_error(Errc::kNotEmpty, lower + ": is not empty (" + std::to_string(entries.size()) +
                                         " entries); a volume is made only in an empty or a new directory");
}

Result<Target> open_target(Files& files, const std::string& lower) {
  auto directory = files.open_at(AT_FDCWD, lower, O_RDONLY | O_DIRECTORY, 0);
  if (directory) {
    ENFOLD_TRY(refuse_content(files, directory->get(), lower));
    return Target{std::move(*directory), true};
  }
  if (directory.error().errno_value != ENOENT) return add_context(std::move(directory).error(), lower);
  const SplitPath path = split(lower);
  if (path.name.empty() || path.name == "." || path.name == "..")
    return make_error(Errc::kInvalidArgument, lower + ": is no name for a new directory");
  auto parent = files.open_at(AT_FDCWD, path.parent, O_RDONLY | O_DIRECTORY, 0);
  if (!parent) return add_context(std::move(parent).error(), lower + ": its parent directory " + path.parent);
  return Target{std::move(*parent), false};
}

Result<void> check_target(Files& files, const std::string& lower, Entropy& entropy) {
  ENFOLD_TRY_ASSIGN(const Target target, open_target(files, lower));
  return probe_lower_directory(files, target.directory.get(), target.exists ? lower : split(lower).parent,
                               entropy);
}

// What init makes below, removed again unless keep() was called. Best effort: it runs after an error, which
// is the one worth reporting.
class HalfMadeVolume {
 public:
  static Result<std::unique_ptr<HalfMadeVolume>> start(Files& files, const std::string& lower) {
    auto made = files.make_directory_at(AT_FDCWD, lower, 0700);
    if (!made && made.error().errno_value != EEXIST) return add_context(std::move(made).error(), lower);
    auto out = std::make_unique<HalfMadeVolume>(files, lower, made.has_value());
    ENFOLD_TRY_ASSIGN(out->directory_, files.open_at(AT_FDCWD, lower, O_RDONLY | O_DIRECTORY, 0));
    ENFOLD_TRY_ASSIGN(out->lower_, canonical_path(lower));
    return out;
  }

  HalfMadeVolume(Files& files, std::string lower, bool made_directory)
      : files_(files), lower_(std::move(lower)), made_(made_directory) {}
  HalfMadeVolume(const HalfMadeVolume&) = delete;
  HalfMadeVolume& operator=(const HalfMadeVolume&) = delete;
  ~HalfMadeVolume() {
    if (kept_) return;
    for (const std::string& name : written_) {
      std::ignore = files_.unlink_at(directory_.get(), name, 0);
      std::ignore = files_.unlink_at(directory_.get(), name + ".new", 0);
    }
    if (made_) std::ignore = files_.unlink_at(AT_FDCWD, lower_, AT_REMOVEDIR);
  }

  Result<void> write(std::string_view name, ByteSpan content) {
    written_.emplace_back(name);
    auto done = replace_file(files_, directory_.get(), written_.back(), content, 0600);
    if (!done) return add_context(std::move(done).error(), lower_ + "/" + written_.back());
    return {};
  }
  // The parent too, so that a new directory's own name is durable.
  Result<void> sync_parent() {
    ENFOLD_TRY_ASSIGN(const Fd parent, files_.open_at(directory_.get(), "..", O_RDONLY | O_DIRECTORY, 0));
    return files_.sync(parent.get());
  }
  void keep() { kept_ = true; }
  [[nodiscard]] const std::string& lower() const { return lower_; }

 private:
  Files& files_;
  Fd directory_;
  std::string lower_;
  std::vector<std::string> written_;
  bool made_;
  bool kept_ = false;
};

struct WrappedSecret {
  Envelope envelope;
  std::string key_arn;
};

// Wraps the secret, and unwraps it again at once: a KMS that cannot give it back must not get a volume.
Result<WrappedSecret> wrap(KmsClient& kms, const std::string& key, const VolumeId& volume,
                           const VolumeSecret& secret) {
  ENFOLD_TRY_ASSIGN(const KeyDescription described, kms.describe_key(key));
  const EncryptionContext context = volume_secret_context(volume);
  ENFOLD_TRY_ASSIGN(Bytes ciphertext, kms.encrypt(described.key_arn, secret.expose(), context));
  VolumeSecret back;
  ENFOLD_TRY_ASSIGN(std::string material,
                    kms.decrypt(described.key_arn, ciphertext, context, back.expose_mutable()));
  if (!equal_in_constant_time(back.expose(), secret.expose()))
    return make_error(Errc::kKmsBadAnswer, described.key_arn +
                                               ": the KMS decrypts to other bytes than it was "
                                               "given; use another KMS");
  WrappedSecret out{{1, {}}, described.key_arn};
  out.envelope.recipients.push_back(
      {Provider::kAwsKms, described.key_arn, std::move(ciphertext), std::move(material)});
  return out;
}

// The config last: without it a half-made directory is not a volume.
Result<void> write_volume(HalfMadeVolume& target, const Config& config, const VolumeKeys& keys,
                          Entropy& entropy) {
  const Marker root{config.volume, DirectoryId::random(entropy), DirectoryId{}};
  ENFOLD_TRY_ASSIGN(const ConfigFile encoded, encode_config(config, keys));
  ENFOLD_TRY(target.write(kLockName, {}));
  ENFOLD_TRY(target.write(kMarkerName, encode_marker(root, keys.marker_mac())));
  ENFOLD_TRY(target.write(kConfigName, encoded));
  return target.sync_parent();
}

}  // namespace

Result<void> check_init_target(Files& files, const std::string& lower) {
  SystemEntropy entropy;
  return check_target(files, lower, entropy);
}

Result<VolumeId> init_volume(const InitRequest& request, KmsClient& kms, Files& files, Entropy& entropy) {
  ENFOLD_TRY(check_target(files, request.lower, entropy));
  const VolumeId volume = request.volume ? *request.volume : VolumeId::random(entropy);
  auto secret = random_secret<VolumeSecret>(entropy);
  ENFOLD_TRY_ASSIGN(const WrappedSecret wrapped, wrap(kms, request.key, volume, secret));
  const Recipient& recipient = wrapped.envelope.recipients.front();
  auto fits = check_fits(recipient.key_arn, recipient.ciphertext.size(), recipient.material_id);
  if (!fits) return add_context(std::move(fits).error(), request.kms_url);
  const VolumeKeys keys(volume, std::move(secret));
  ENFOLD_TRY_ASSIGN(auto target, HalfMadeVolume::start(files, request.lower));
  // An old pin of this path would be replaced: the directory is empty, so what it guarded is gone.
  const Pin pin{target->lower(), volume, request.kms_url, wrapped.key_arn, keys.commitment(), 0};
  ENFOLD_TRY(write_volume(*target, Config{volume, wrapped.envelope, {}}, keys, entropy));
  ENFOLD_TRY(write_pin(files, pin));
  target->keep();
  return volume;
}

}  // namespace enfold
