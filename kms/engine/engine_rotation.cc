#include "kms/engine/rotation.h"

#include "kms/engine/engine.h"
#include "kms/engine/operation_rules.h"
#include "kms/engine/pages.h"

namespace enfold {
namespace {

constexpr std::string_view kList = "rotations";
constexpr std::int64_t kDefaultListLimit = 100;

RotationEntry entry_of(const Key& key, const MaterialVersion& version) {
  const bool rotated = version.source != MaterialSource::kCreated;
  return {.key_arn = key.arn,
          .material_id = to_hex(version.id),
          .is_current = &version == &key.current(),
          .rotation_unix_ms = rotated ? std::optional(version.creation_unix_ms) : std::nullopt,
          .on_demand = version.source == MaterialSource::kOnDemand};
}

// The materials after the one that the marker names: none ever goes.
Result<std::span<const MaterialVersion>> rest_of(const Key& key, const std::string& after) {
  std::span<const MaterialVersion> rest = key.materials;
  if (after.empty()) return rest;
  for (std::size_t i = 0; i < rest.size(); ++i)
    if (to_hex(rest[i].id) == after) return rest.subspan(i + 1);
  return make_error(Errc::kKmsInvalidMarker, "Invalid marker");
}

}  // namespace

Result<void> Engine::enable_key_rotation(const KmsCaller& caller, const std::string& key_id,
                                         std::optional<std::int64_t> period_days) {
  ENFOLD_TRY(Validation()
                 .key_id("keyId", key_id)
                 .range("rotationPeriodInDays", period_days, kMinRotationDays, kMaxRotationDays)
                 .result());
  auto enable = [&](Key& key) -> Result<void> {
    const std::int64_t days = period_days.value_or(kDefaultRotationDays);
    if (!key.rotation || key.rotation->period_days != days) key.rotation = plan_from(clock_.unix_ms(), days);
    return {};
  };
  ENFOLD_TRY(change(Operation::kEnableKeyRotation, caller, key_id, enable));
  return {};
}

Result<void> Engine::disable_key_rotation(const KmsCaller& caller, const std::string& key_id) {
  ENFOLD_TRY(Validation().key_id("keyId", key_id).result());
  auto disable = [](Key& key) -> Result<void> {
    key.rotation.reset();
    return {};
  };
  ENFOLD_TRY(change(Operation::kDisableKeyRotation, caller, key_id, disable));
  return {};
}

Result<RotationStatus> Engine::get_key_rotation_status(const KmsCaller& caller, const std::string& key_id) {
  ENFOLD_TRY(Validation().key_id("keyId", key_id).result());
  ENFOLD_TRY_ASSIGN(KeyPointer key, admit(Operation::kGetKeyRotationStatus, caller, key_id));
  RotationStatus status{.key_arn = key->arn};
  const std::optional<RotationPlan>& plan = key->rotation;
  if (!plan || key->state == KeyState::kPendingDeletion) return status;
  status.enabled = true;
  status.period_days = plan->period_days;
  status.next_unix_ms = plan->next_unix_ms;
  return status;
}

Result<std::string> Engine::rotate_key_on_demand(const KmsCaller& caller, const std::string& key_id) {
  ENFOLD_TRY(Validation().key_id("keyId", key_id).result());
  auto rotate = [&](Key& key) { return rotate_on_demand(key, clock_.unix_ms(), entropy_); };
  ENFOLD_TRY_ASSIGN(KeyPointer key, change(Operation::kRotateKeyOnDemand, caller, key_id, rotate));
  return key->arn;
}

Result<ListRotationsAnswer> Engine::list_key_rotations(const KmsCaller& caller,
                                                       const ListRotationsRequest& request) {
  constexpr const char* kAllMaterials = "ALL_KEY_MATERIAL";
  Validation validation;
  validation.key_id("keyId", request.key_id)
      .one_of("includeKeyMaterial", request.include_key_material, {kAllMaterials, "ROTATIONS_ONLY"});
  validate_page(validation, request.page);
  ENFOLD_TRY(validation.result());
  ENFOLD_TRY_ASSIGN(const std::string after, read_marker(kList, request.page));
  ENFOLD_TRY_ASSIGN(KeyPointer key, admit(Operation::kListKeyRotations, caller, request.key_id));
  ENFOLD_TRY_ASSIGN(const auto rest, rest_of(*key, after));
  const auto limit = static_cast<std::size_t>(request.page.limit.value_or(kDefaultListLimit));
  const bool includes_all = request.include_key_material == kAllMaterials;
  ListRotationsAnswer answer;
  for (const MaterialVersion& version : rest) {
    if (!includes_all && version.source == MaterialSource::kCreated) continue;
    if (answer.rotations.size() == limit) {
      answer.truncated = true;
      answer.next_marker = make_marker(kList, answer.rotations.back().material_id);
      break;
    }
    answer.rotations.push_back(entry_of(*key, version));
  }
  return answer;
}

}  // namespace enfold
