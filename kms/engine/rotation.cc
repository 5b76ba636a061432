#include "kms/engine/rotation.h"

#include <algorithm>

namespace enfold {

MaterialVersion new_material(MaterialSource source, std::int64_t now_unix_ms, Entropy& entropy) {
  return {random_array<32>(entropy), now_unix_ms, source, random_secret<KeyMaterial>(entropy)};
}

RotationPlan plan_from(std::int64_t now_unix_ms, std::int64_t period_days) {
  return {period_days, now_unix_ms + period_days * kDayInMs};
}

Result<void> rotate_on_demand(Key& key, std::int64_t now_unix_ms, Entropy& entropy) {
  const auto before = std::ranges::count(key.materials, MaterialSource::kOnDemand, &MaterialVersion::source);
  if (static_cast<std::size_t>(before) >= kMaxOnDemandRotations)
    return make_error(Errc::kKmsLimitExceeded,
                      "The on-demand rotations limit has been reached for the given keyId. No more on-demand "
                      "rotations can be performed for this key: " +
                          key.arn);
  key.materials.push_back(new_material(MaterialSource::kOnDemand, now_unix_ms, entropy));
  return {};
}

// A date that was met late moves no later one; after a whole period without anybody there it starts anew.
void rotate_if_due(Key& key, std::int64_t now_unix_ms, Entropy& entropy) {
  if (key.state != KeyState::kEnabled || !key.rotation || key.rotation->next_unix_ms > now_unix_ms) return;
  key.materials.push_back(new_material(MaterialSource::kScheduled, now_unix_ms, entropy));
  key.rotation->next_unix_ms += key.rotation->period_days * kDayInMs;
  if (key.rotation->next_unix_ms <= now_unix_ms)
    key.rotation = plan_from(now_unix_ms, key.rotation->period_days);
}

std::optional<std::int64_t> due_of(const Key& key) {
  if (key.state == KeyState::kPendingDeletion) return key.deletion_unix_ms;
  if (key.state == KeyState::kEnabled && key.rotation) return key.rotation->next_unix_ms;
  return std::nullopt;
}

}  // namespace enfold
