#include "fs/volume/config_rekey.h"

#include "fs/volume/config_file.h"
#include "fs/volume/key_cache.h"

namespace enfold {
namespace {

enum class Rank : std::uint8_t { kMet, kOtherMaterial, kAnotherKey };

Rank rank(const Envelope& envelope, const RekeyTarget& target) {
  if (target.is_met_by(envelope)) return Rank::kMet;
  return envelope.recipients.front().key_arn == target.key_arn ? Rank::kOtherMaterial : Rank::kAnotherKey;
}

}  // namespace

std::uint8_t ConfigRekey::Slots::newer() const {
  if (!are_both_used()) return envelopes[0] ? 0 : 1;
  return at(0).generation > at(1).generation ? 0 : 1;
}

Result<ConfigRekey::Slots> ConfigRekey::read() {
  Slots out;
  ENFOLD_TRY_ASSIGN(out.file, read_config_file(files_, root_, lower_));
  auto verified = decode_config(out.file, keys_);
  // The mount may be writing the state page at this moment, and a read beside a write can be torn.
  constexpr int kTries = 3;
  for (int tried = 1; !verified && tried < kTries; ++tried) {
    ENFOLD_TRY_ASSIGN(out.file, read_config_file(files_, root_, lower_));
    verified = decode_config(out.file, keys_);
  }
  if (!verified) return add_context(std::move(verified).error(), lower_ + "/enfold.volume");
  for (std::uint8_t index = 0; index < 2; ++index) {
    ENFOLD_TRY_ASSIGN(out.envelopes[index], config_slot(out.file, index));
  }
  return out;
}

Result<std::vector<Envelope>> ConfigRekey::envelopes() {
  ENFOLD_TRY_ASSIGN(const Slots slots, read());
  std::vector<Envelope> out;
  for (const auto& envelope : slots.envelopes)
    if (envelope) out.push_back(*envelope);
  return out;
}

IsRight ConfigRekey::is_right() const {
  return [this](std::span<const std::uint8_t, 32> bytes) {
    VolumeSecret secret;
    std::ranges::copy(bytes, secret.expose_mutable().begin());
    return equal_in_constant_time(VolumeKeys(keys_.volume(), std::move(secret)).commitment(),
                                  keys_.commitment());
  };
}

Result<Recipient> ConfigRekey::wrap(const Envelope& from, const RekeyTarget& target) {
  auto recipient = rewrap(kms_, volume_secret_context(keys_.volume()), from.recipients.front(),
                          target.key_arn, is_right());
  if (recipient) return *std::move(recipient);
  const bool is_wanted = recipient.error().is_of_wanted_key;
  return add_context(
      std::move(recipient).error().error,
      (is_wanted ? "wrapping the volume secret under " + target.key_arn
                 : "unwrapping the volume secret, as it is now under " + from.recipients.front().key_arn));
}

// Of two, the one that meets the target is tried first: the other's KMS may be gone. Where none does, one
// that is not under the target's key: it is the way back.
Result<std::uint8_t> ConfigRekey::slot_that_opens(const Slots& slots, const RekeyTarget& target) {
  const std::uint8_t newer = slots.newer();
  if (!slots.are_both_used()) return newer;
  const std::uint8_t older = 1 - newer;
  const Rank of_older = rank(slots.at(older), target);
  const Rank of_newer = rank(slots.at(newer), target);
  const bool older_first = of_newer != Rank::kMet && of_older != of_newer && of_older != Rank::kOtherMaterial;
  Error refusal;  // of the first
  bool is_first = true;
  for (const std::uint8_t index : older_first ? std::array{older, newer} : std::array{newer, older}) {
    auto opens = check_opens(kms_, volume_secret_context(keys_.volume()), slots.at(index).recipients.front(),
                             is_right());
    if (opens) return index;
    if (std::exchange(is_first, false)) refusal = std::move(opens).error();
  }
  return add_context(std::move(refusal), "unwrapping the volume secret");
}

Result<void> ConfigRekey::try_out(const RekeyTarget& target) {
  ENFOLD_TRY_ASSIGN(const Slots slots, read());
  ENFOLD_TRY_ASSIGN(const std::uint8_t from, slot_that_opens(slots, target));
  ENFOLD_TRY(wrap(slots.at(from), target));
  return {};
}

Result<void> ConfigRekey::write(const Slots& slots, std::uint8_t index,
                                const std::optional<Envelope>& envelope) {
  auto done = write_config_slot(files_, root_, index, envelope, slots.file, keys_);
  if (!done) return add_context(std::move(done).error(), lower_ + "/enfold.volume");
  return done;
}

// An earlier run may have been cut before the sync of what it wrote.
Result<ConfigRekey::Slots> ConfigRekey::keep_only(const Slots& slots, std::uint8_t kept) {
  ENFOLD_TRY(write(slots, kept, slots.envelopes.at(kept)));
  ENFOLD_TRY(write(slots, 1 - kept, std::nullopt));
  return read();
}

Result<void> ConfigRekey::begin(const RekeyTarget& target) {
  const auto wanted = std::pair(target.key_arn, target.material_id);
  if (begun_ == wanted) return {};
  ENFOLD_TRY_ASSIGN(Slots slots, read());
  ENFOLD_TRY_ASSIGN(const std::uint8_t from, slot_that_opens(slots, target));
  if (!target.is_met_by(slots.at(from))) {
    ENFOLD_TRY_ASSIGN(Recipient recipient, wrap(slots.at(from), target));
    if (slots.are_both_used()) {
      ENFOLD_TRY_ASSIGN(slots, keep_only(slots, from));
    }
    ENFOLD_TRY(write(slots, 1 - from, Envelope{slots.at(from).generation + 1, {std::move(recipient)}}));
    ENFOLD_TRY(read());
  } else if (slots.are_both_used()) {
    ENFOLD_TRY(write(slots, from, slots.envelopes.at(from)));
  }
  begun_ = wanted;
  return {};
}

Result<void> ConfigRekey::finish(const RekeyTarget& target) {
  ENFOLD_TRY_ASSIGN(const Slots slots, read());
  if (!slots.are_both_used()) return {};
  const std::uint8_t newer = slots.newer();
  const std::uint8_t kept =
      rank(slots.at(1 - newer), target) < rank(slots.at(newer), target) ? 1 - newer : newer;
  if (rank(slots.at(kept), target) == Rank::kAnotherKey) return {};
  auto opens =
      check_opens(kms_, volume_secret_context(keys_.volume()), slots.at(kept).recipients.front(), is_right());
  if (!opens) return add_context(std::move(opens).error(), "unwrapping the volume secret");
  ENFOLD_TRY(keep_only(slots, kept));
  return {};
}

}  // namespace enfold
