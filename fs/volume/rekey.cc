#include "fs/volume/rekey.h"

#include <algorithm>
#include <cerrno>

#include "fs/volume/config_rekey.h"
#include "fs/volume/rekey_pass.h"
#include "fs/volume/volume.h"

namespace enfold {
namespace {

class Rekey {
 public:
  Rekey(RekeyParts parts, const RekeyRequest& request, RekeyObserver& observer)
      : parts_(std::move(parts)),
        request_(request),
        config_(parts_.files, parts_.root, parts_.lower, parts_.keys, parts_.kms),
        passes_(parts_.tree.rekey(std::max(request.jobs, 1U), observer)) {}

  Result<RekeyReport> run() {
    if (request_.mode == RekeyMode::kRun && parts_.read_only)
      return system_error(EROFS, "rekey: the volume is mounted read-only; mount it writable");
    ENFOLD_TRY(choose());
    if (request_.mode != RekeyMode::kStatus) ENFOLD_TRY(require_usable());
    return request_.mode == RekeyMode::kRun ? change() : look();
  }

 private:
  Result<void> choose();
  Result<void> describe();
  Result<void> require_usable();
  void route_former();
  void set_former();
  KmsRoutes::Service former_home();
  Result<RekeyReport> look();
  Result<RekeyReport> change();
  Result<void> announce();
  Result<void> reconcile_material();
  Result<void> pass();
  Result<void> pass_until_done();
  Result<RekeyReport> report(KeyUses files);
  [[nodiscard]] bool is_used(const KeyHome& key, const RekeyReport& report) const;

  RekeyParts parts_;
  const RekeyRequest& request_;
  ConfigRekey config_;
  std::unique_ptr<RekeyPass> passes_;

  KmsRoutes::Service service_;  // of the wanted key
  KeyHome wanted_;
  KeyDescription description_;
  RekeyTarget target_;
  std::vector<KeyHome> former_;
  KmsRoutes::Service copy_;  // of a former store, in which the present key is, too
  KeyUses files_;
  static constexpr int kMostRotations = 10;  // of the wanted key while this runs
  int rotations_ = 0;
};

// Routes are for this process alone; nothing is asked of them but what envelopes name.
Result<void> Rekey::choose() {
  const std::string url = request_.to_kms.value_or(parts_.key.kms_url);
  if (url != parts_.key.kms_url && !request_.to_key)
    return make_error(Errc::kInvalidArgument,
                      "another KMS has other keys: name the one to wrap under (--to-key)");
  route_former();
  ENFOLD_TRY_ASSIGN(service_, url == parts_.key.kms_url ? parts_.kms.main() : parts_.open_kms(url));
  wanted_ = {request_.to_key.value_or(parts_.key.key_arn), url};
  target_.new_data_keys = request_.new_data_keys;
  ENFOLD_TRY(describe());
  wanted_.key_arn = description_.key_arn;
  set_former();
  return {};
}

// The same key in another store is another home. Of very many keys the oldest are forgotten.
void Rekey::set_former() {
  constexpr std::size_t kMostFormerKeys = 100;
  former_ = {parts_.key};
  for (const KeyHome& key : parts_.former)
    if (std::ranges::find(former_, key) == former_.end()) former_.push_back(key);
  std::erase(former_, wanted_);
  if (former_.size() > kMostFormerKeys) former_.resize(kMostFormerKeys);
  for (const KeyHome& key : former_)
    if (key.kms_url != wanted_.kms_url) target_.elsewhere.insert(key.key_arn);
}

// The other store of the wanted key, where that is the present one.
KmsRoutes::Service Rekey::former_home() {
  if (parts_.key.key_arn != wanted_.key_arn) return nullptr;
  if (parts_.key.kms_url == wanted_.kms_url) return copy_;
  return parts_.kms.main().value_or(nullptr);
}

// So that what is still under a former key of another KMS, or comes back from a backup, can be unwrapped.
void Rekey::route_former() {
  std::map<std::string, Result<KmsRoutes::Service>> opened;
  for (const KeyHome& key : parts_.former) {
    const bool is_copy = key.key_arn == parts_.key.key_arn;
    if (key.kms_url == parts_.key.kms_url || (!is_copy && parts_.kms.reaches(key.key_arn))) continue;
    if (!opened.contains(key.kms_url)) opened.emplace(key.kms_url, parts_.open_kms(key.kms_url));
    const auto& former = opened.at(key.kms_url);
    if (!is_copy)
      parts_.kms.route(key.key_arn, former);
    else if (former)
      parts_.kms.route(key.key_arn, parts_.kms.main(), copy_ = *former);
  }
}

// Anew before each pass, for a key may be rotated meanwhile.
Result<void> Rekey::describe() {
  auto described = service_->describe_key(wanted_.key_arn);
  if (!described) return add_context(std::move(described).error(), "the key to wrap under");
  description_ = *std::move(described);
  target_.key_arn = description_.key_arn;
  target_.material_id = description_.material_id;
  return {};
}

Result<void> Rekey::require_usable() {
  const std::string& state = description_.state;
  const std::string what = description_.key_arn + ": the key to wrap under is ";
  const std::string then = "; enable it, or name another one with --to-key; nothing was changed";
  if (state == "Disabled") return make_error(Errc::kKmsDisabled, what + "disabled" + then);
  if (state == "PendingDeletion") return make_error(Errc::kKmsInvalidState, what + "pending deletion" + then);
  if (state != "Enabled") return make_error(Errc::kKmsInvalidState, what + "in the state " + state + then);
  // A live mount goes on asking as before until there is nothing to refuse any more.
  KmsRoutes trial(KmsRoutes::Service(std::shared_ptr<void>(), &parts_.kms));
  trial.route(wanted_.key_arn, service_, former_home());
  auto tried = ConfigRekey(parts_.files, parts_.root, parts_.lower, parts_.keys, trial).try_out(target_);
  if (!tried) return add_context(std::move(tried).error(), "nothing was changed");
  return tried;
}

Result<RekeyReport> Rekey::look() {
  ENFOLD_TRY_ASSIGN(KeyUses files, passes_->count(target_));
  return report(std::move(files));
}

// The pin first: from here on a mount finds all keys that envelopes may be under. Then new files, then what
// is there.
Result<void> Rekey::announce() {
  ENFOLD_TRY(parts_.pin(wanted_, former_, true));
  const KmsRoutes::Service otherwise = former_home();
  for (const KeyHome& key : former_)
    if (key.kms_url == parts_.key.kms_url) parts_.kms.route(key.key_arn, parts_.kms.main());
  parts_.kms.route(wanted_.key_arn, service_, otherwise);
  parts_.kms.set_main(service_);
  parts_.file_keys.wrap_under(wanted_.key_arn);
  return {};
}

// A key that was rotated during the last pass names the new material by now. One that goes on to name another
// than it wraps with would have us wrap for ever. Where what it wraps has no name, all that was wrapped anew
// is as new as can be.
Result<void> Rekey::reconcile_material() {
  const auto& other = passes_->other_material();
  if (!other || target_.material_id.empty() || *other == target_.material_id) return {};
  if (other->empty()) {
    target_.material_id.clear();
    return {};
  }
  return make_error(Errc::kKmsBadAnswer, target_.key_arn + ": the KMS wraps with material " + *other +
                                             ", and names " + target_.material_id + " as the current one");
}

Result<void> Rekey::pass() {
  const std::string material = target_.material_id;
  ENFOLD_TRY(describe());
  ENFOLD_TRY(reconcile_material());
  if (target_.material_id != material) {
    parts_.file_keys.wrap_under(wanted_.key_arn);
    if (++rotations_ > kMostRotations)
      return make_error(Errc::kKmsBadAnswer,
                        target_.key_arn +
                            ": the KMS names new key material each time it is asked; re-key "
                            "when that has ended");
  }
  ENFOLD_TRY(config_.begin(target_));
  ENFOLD_TRY_ASSIGN(files_, passes_->run(target_));
  return {};
}

// The former wrap of the volume secret goes last, when no file is under a former key: until then the volume
// opens without the new one, too.
Result<void> Rekey::pass_until_done() {
  constexpr int kTries = 3;  // of files that were removed or exchanged under our hands
  int tries = 0;
  do ENFOLD_TRY(pass());
  while (passes_->found_work() || (passes_->counts().to_do > 0 && ++tries < kTries));
  const bool is_needed = std::ranges::any_of(files_, [this](const auto& use) {
    return use.first.key_arn != wanted_.key_arn &&
           std::ranges::find(former_, use.first.key_arn, &KeyHome::key_arn) != former_.end();
  });
  return is_needed ? Result<void>{} : config_.finish(target_);
}

Result<RekeyReport> Rekey::change() {
  ENFOLD_TRY(announce());
  if (auto passed = pass_until_done(); !passed)
    return add_context(std::move(passed).error(),
                       "re-keying stopped, every file opens as before, and the same command goes on");
  ENFOLD_TRY_ASSIGN(RekeyReport out, report(std::move(files_)));
  if (out.is_complete) ENFOLD_TRY(parts_.pin(wanted_, former_, false));
  return out;
}

Result<RekeyReport> Rekey::report(KeyUses files) {
  RekeyReport out;
  out.key = wanted_;
  out.material_id = target_.material_id;
  out.key_state = description_.state;
  out.counts = passes_->counts();
  out.files = std::move(files);
  ENFOLD_TRY_ASSIGN(const std::vector<Envelope> config, config_.envelopes());
  bool is_config_done = config.size() == 1;
  for (const Envelope& envelope : config) {
    is_config_done = is_config_done && target_.is_met_by(envelope);
    out.config.push_back({envelope.recipients.front().key_arn, envelope.recipients.front().material_id});
  }
  out.left = out.counts.left + out.counts.to_do;
  out.is_complete = out.left == 0 && is_config_done;
  for (const KeyHome& key : former_)
    if (!is_used(key, out)) out.unused_keys.push_back(key);
  return out;
}

// What could not be verified may be under any key.
bool Rekey::is_used(const KeyHome& key, const RekeyReport& report) const {
  const auto names_it = [&](const KeyUse& use) { return use.key_arn == key.key_arn; };
  return report.counts.unverified > 0 || std::ranges::any_of(report.config, names_it) ||
         std::ranges::any_of(report.files, [&](const auto& use) { return names_it(use.first); });
}

}  // namespace

Result<RekeyReport> rekey_volume(RekeyParts parts, const RekeyRequest& request, RekeyObserver& observer) {
  return Rekey(std::move(parts), request, observer).run();
}

}  // namespace enfold
