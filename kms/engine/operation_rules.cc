#include "kms/engine/operation_rules.h"

#include <cstdlib>

namespace enfold {
namespace {

using enum Reaction;
using Reactions = std::array<Reaction, kTableStates>;

// In the order of TableState.
constexpr Reactions kAnyState{kAllowed, kAllowed, kAllowed, kAllowed, kAllowed, kAllowed, kAllowed};
constexpr Reactions kNotWhilePendingDeletion{kAllowed, kAllowed, kPendingDeletion, kAllowed,
                                             kAllowed, kAllowed, kAllowed};
constexpr Reactions kCryptography{kAllowed,     kDisabled, kPendingDeletion, kPendingImport,
                                  kUnavailable, kCreating, kAllowed};
constexpr Reactions kSwitching{kAllowed, kAllowed,  kPendingDeletion, kPendingImport,
                               kAllowed, kCreating, kUpdating};
constexpr Reactions kRotating{kAllowed,     kDisabled, kPendingDeletion, kUnsupported,
                              kUnsupported, kCreating, kAllowed};
constexpr Reactions kRotationStatus{kAllowed,     kAllowed, kAllowed, kUnsupported,
                                    kUnsupported, kAllowed, kAllowed};
constexpr Reactions kScheduling{kAllowed, kAllowed, kPendingDeletion, kAllowed,
                                kAllowed, kAllowed, kUpdating};
constexpr Reactions kCancelling{kNotPendingDeletion, kNotPendingDeletion, kAllowed,
                                kNotPendingDeletion, kNotPendingDeletion, kNotPendingDeletion,
                                kNotPendingDeletion};

constexpr bool kAlias = true;
constexpr bool kManaged = true;

// clang-format off
constexpr OperationRule kRules[] = {
    {Operation::kCancelKeyDeletion, "CancelKeyDeletion", !kAlias, !kManaged, kCancelling},
    {Operation::kCreateAlias, "CreateAlias", !kAlias, !kManaged, kNotWhilePendingDeletion},
    {Operation::kDecrypt, "Decrypt", kAlias, kManaged, kCryptography},
    {Operation::kDeleteAlias, "DeleteAlias", !kAlias, !kManaged, kAnyState},
    {Operation::kDescribeKey, "DescribeKey", kAlias, kManaged, kAnyState},
    {Operation::kDisableKey, "DisableKey", !kAlias, !kManaged, kSwitching},
    {Operation::kDisableKeyRotation, "DisableKeyRotation", !kAlias, !kManaged, kRotating},
    {Operation::kEnableKey, "EnableKey", !kAlias, !kManaged, kSwitching},
    {Operation::kEnableKeyRotation, "EnableKeyRotation", !kAlias, !kManaged, kRotating},
    {Operation::kEncrypt, "Encrypt", kAlias, kManaged, kCryptography},
    {Operation::kGenerateDataKey, "GenerateDataKey", kAlias, kManaged, kCryptography},
    {Operation::kGenerateDataKeyWithoutPlaintext, "GenerateDataKeyWithoutPlaintext", kAlias, kManaged,
     kCryptography},
    {Operation::kGetKeyRotationStatus, "GetKeyRotationStatus", !kAlias, kManaged, kRotationStatus},
    {Operation::kListAliases, "ListAliases", !kAlias, kManaged, kAnyState},
    {Operation::kListKeyRotations, "ListKeyRotations", !kAlias, kManaged, kRotating},
    {Operation::kListResourceTags, "ListResourceTags", !kAlias, kManaged, kAnyState},
    {Operation::kReEncryptFrom, "ReEncryptFrom", kAlias, kManaged, kCryptography},
    {Operation::kReEncryptTo, "ReEncryptTo", kAlias, kManaged, kCryptography},
    {Operation::kRotateKeyOnDemand, "RotateKeyOnDemand", !kAlias, !kManaged, kRotating},
    {Operation::kScheduleKeyDeletion, "ScheduleKeyDeletion", !kAlias, !kManaged, kScheduling},
    {Operation::kTagResource, "TagResource", !kAlias, !kManaged, kNotWhilePendingDeletion},
    {Operation::kUntagResource, "UntagResource", !kAlias, !kManaged, kNotWhilePendingDeletion},
    {Operation::kUpdateAlias, "UpdateAlias", !kAlias, !kManaged, kNotWhilePendingDeletion},
    {Operation::kUpdateKeyDescription, "UpdateKeyDescription", !kAlias, !kManaged,
     kNotWhilePendingDeletion},
};
// clang-format on

constexpr bool is_in_order() {
  std::size_t place = 0;
  for (const OperationRule& rule : kRules)
    if (static_cast<std::size_t>(rule.operation) != place++) return false;
  return true;
}
static_assert(is_in_order());

std::unexpected<Error> invalid_state(const std::string& key_arn, std::string_view what) {
  return make_error(Errc::kKmsInvalidState, key_arn + std::string(what));
}

}  // namespace

const OperationRule& rule_of(Operation operation) { return kRules[static_cast<std::size_t>(operation)]; }

TableState table_state(KeyState state) {
  switch (state) {
    case KeyState::kEnabled:
      return TableState::kEnabled;
    case KeyState::kDisabled:
      return TableState::kDisabled;
    case KeyState::kPendingDeletion:
      return TableState::kPendingDeletion;
  }
  std::abort();  // no such state is ever decoded
}

Result<void> require_state(const OperationRule& rule, TableState state, const std::string& key_arn,
                           std::string_view origin) {
  switch (rule.reactions[static_cast<std::size_t>(state)]) {
    case kAllowed:
      return {};
    case kDisabled:
      return make_error(Errc::kKmsDisabled, key_arn + " is disabled.");
    case kPendingDeletion:
      return invalid_state(key_arn, " is pending deletion.");
    case kNotPendingDeletion:
      return invalid_state(key_arn, " is not pending deletion.");
    case kPendingImport:
      return invalid_state(key_arn, " is pending import.");
    case kUnavailable:
      return invalid_state(key_arn, " is unavailable.");
    case kCreating:
      return invalid_state(key_arn, " is creating.");
    case kUpdating:
      return invalid_state(key_arn, " is updating.");
    case kUnsupported:
      return make_error(Errc::kKmsUnsupported, key_arn + " origin is " + std::string(origin) +
                                                   " which is not valid for this operation.");
  }
  std::abort();  // the table has no other reaction
}

Result<void> require_state(Operation operation, const Key& key) {
  return require_state(rule_of(operation), table_state(key.state), key.arn);
}

}  // namespace enfold
