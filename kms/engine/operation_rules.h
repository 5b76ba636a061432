// The closed table of the operations on a key: which identifiers they take, whose keys, and how each state of
// a key meets them (the developer guide's table "Key states of AWS KMS keys", in tests/vectors/kms as well).
// It has the states that no key can be in yet, too.
#pragma once

#include <array>
#include <string_view>

#include "kms/engine/key.h"

namespace enfold {

enum class Operation : std::uint8_t {
  kCancelKeyDeletion,
  kCreateAlias,
  kDecrypt,
  kDeleteAlias,
  kDescribeKey,
  kDisableKey,
  kDisableKeyRotation,
  kEnableKey,
  kEnableKeyRotation,
  kEncrypt,
  kGenerateDataKey,
  kGenerateDataKeyWithoutPlaintext,
  kGetKeyRotationStatus,
  kListAliases,
  kListKeyRotations,
  kListResourceTags,
  kReEncryptFrom,
  kReEncryptTo,
  kRotateKeyOnDemand,
  kScheduleKeyDeletion,
  kTagResource,
  kUntagResource,
  kUpdateAlias,
  kUpdateKeyDescription,
};

// The columns of the guide's table.
enum class TableState : std::uint8_t {
  kEnabled,
  kDisabled,
  kPendingDeletion,
  kPendingImport,
  kUnavailable,
  kCreating,
  kUpdating,
};
inline constexpr std::size_t kTableStates = 7;

enum class Reaction : std::uint8_t {
  kAllowed,
  kDisabled,         // DisabledException "ARN is disabled."
  kPendingDeletion,  // the rest but the last: KMSInvalidStateException
  kNotPendingDeletion,
  kPendingImport,
  kUnavailable,
  kCreating,
  kUpdating,
  kUnsupported,  // UnsupportedOperationException: not for a key of this origin
};

struct OperationRule {
  Operation operation;
  std::string_view name;  // the action that is authorised, without "kms:"
  bool takes_aliases;     // else only ids and ARNs of keys
  bool on_aws_managed;    // also for keys that AWS manages
  std::array<Reaction, kTableStates> reactions;
};

const OperationRule& rule_of(Operation operation);

TableState table_state(KeyState state);

// kKmsDisabled, kKmsInvalidState, kKmsUnsupported.
Result<void> require_state(const OperationRule& rule, TableState state, const std::string& key_arn,
                           std::string_view origin = "AWS_KMS");
Result<void> require_state(Operation operation, const Key& key);

}  // namespace enfold
