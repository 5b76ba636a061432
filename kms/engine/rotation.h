// New material for a key, on demand and by its schedule.
#pragma once

#include "kms/base/entropy.h"
#include "kms/engine/key.h"

namespace enfold {

inline constexpr std::int64_t kDayInMs = 24LL * 60 * 60 * 1000;
inline constexpr std::int64_t kMinRotationDays = 90;
inline constexpr std::int64_t kMaxRotationDays = 2560;
inline constexpr std::int64_t kDefaultRotationDays = 365;
inline constexpr std::size_t kMaxOnDemandRotations = 25;  // of one key, as in AWS

constexpr bool is_rotation_period(std::int64_t days) {
  return days >= kMinRotationDays && days <= kMaxRotationDays;
}

MaterialVersion new_material(MaterialSource source, std::int64_t now_unix_ms, Entropy& entropy);

// A plan that starts now.
RotationPlan plan_from(std::int64_t now_unix_ms, std::int64_t period_days);

// kKmsLimitExceeded. Leaves the schedule alone.
Result<void> rotate_on_demand(Key& key, std::int64_t now_unix_ms, Entropy& entropy);

// Only where the key is enabled and its date has passed; once, however many dates have passed.
void rotate_if_due(Key& key, std::int64_t now_unix_ms, Entropy& entropy);

// When something is to happen to the key by itself: its rotation or its deletion.
std::optional<std::int64_t> due_of(const Key& key);

}  // namespace enfold
