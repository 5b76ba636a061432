#include "kms/engine/engine.h"
#include "kms/engine/key_lookup.h"
#include "kms/engine/operation_rules.h"
#include "kms/engine/rotation.h"
#include "kms/engine/validation.h"

namespace enfold {
namespace {

constexpr std::int64_t kMinWindowDays = 7;
constexpr std::int64_t kMaxWindowDays = 30;

}  // namespace

Result<ScheduleDeletionAnswer> Engine::schedule_key_deletion(const KmsCaller& caller,
                                                             const std::string& key_id,
                                                             std::optional<std::int64_t> window_days) {
  ENFOLD_TRY(Validation().key_id("keyId", key_id).range("pendingWindowInDays", window_days, 1, 365).result());
  const std::int64_t days = window_days.value_or(kMaxWindowDays);
  if (days < kMinWindowDays || days > kMaxWindowDays)
    return make_error(Errc::kKmsValidation, "PendingWindowInDays must be between 7 and 30");
  const std::int64_t date = clock_.unix_ms() + days * kDayInMs;
  auto schedule = [&](Key& key) -> Result<void> {
    key.state = KeyState::kPendingDeletion;
    key.deletion_unix_ms = date;
    return {};
  };
  ENFOLD_TRY_ASSIGN(KeyPointer key, change(Operation::kScheduleKeyDeletion, caller, key_id, schedule));
  return ScheduleDeletionAnswer{.key_arn = key->arn, .deletion_unix_ms = date, .window_days = days};
}

Result<std::string> Engine::cancel_key_deletion(const KmsCaller& caller, const std::string& key_id) {
  ENFOLD_TRY(Validation().key_id("keyId", key_id).result());
  auto cancel = [this](Key& key) -> Result<void> {
    // It is there only because its removal could not be written yet.
    if (key.deletion_unix_ms && *key.deletion_unix_ms <= clock_.unix_ms())
      return key_not_found(key.scope, key.id);
    key.state = KeyState::kDisabled;
    key.deletion_unix_ms.reset();
    return {};
  };
  ENFOLD_TRY_ASSIGN(KeyPointer key, change(Operation::kCancelKeyDeletion, caller, key_id, cancel));
  return key->arn;
}

}  // namespace enfold
