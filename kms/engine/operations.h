// Requests and answers of the engine, as plain values with AWS's names. Texts are as the caller sent them:
// the engine checks them. A `key_id` is a key id or key ARN; where it says so an alias name or alias ARN,
// too. Times are milliseconds since 1970.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kms/base/bytes.h"
#include "kms/crypto/wiped_bytes.h"
#include "kms/engine/caller.h"
#include "kms/engine/encryption_context.h"

namespace enfold {

enum class KeyState : std::uint8_t { kEnabled = 1, kDisabled = 2, kPendingDeletion = 3 };
std::string name_of(KeyState state);  // "Enabled", "Disabled", "PendingDeletion"

// Who administers a key: its account, or AWS's service that alias/aws/SERVICE names.
enum class KeyManager : std::uint8_t { kCustomer = 1, kAws = 2 };

// KeyUsage is ENCRYPT_DECRYPT, KeySpec SYMMETRIC_DEFAULT and Origin AWS_KMS for every key.
struct KeyMetadata {
  std::string key_id;
  std::string arn;
  CallScope scope;
  std::int64_t creation_unix_ms = 0;
  KeyState state = KeyState::kEnabled;
  std::string description;
  std::string current_material_id;            // 64 hexadecimal digits
  std::vector<std::string> all_material_ids;  // oldest first; not in AWS's answer
  KeyManager manager = KeyManager::kCustomer;
  std::optional<std::int64_t> deletion_unix_ms{};  // only while pending deletion
};

struct Tag {
  std::string key;
  std::string value;
  friend bool operator==(const Tag&, const Tag&) = default;
};

// The part of a cryptographic request that says how it is to be authorised and whether it is only tried.
struct CallOptions {
  std::vector<std::string> grant_tokens{};  // at most 10; there are no grants yet, so each is unknown
  bool dry_run = false;                     // kKmsDryRun where the call would have succeeded
};

// A page of a list. `marker` is next_marker of the page before; kKmsInvalidMarker where it is none of ours.
struct PageRequest {
  std::optional<std::int64_t> limit{};  // 1 to 1,000, for tags to 50; AWS's default for each list when absent
  std::optional<std::string> marker{};
};

struct CreateKeyRequest {
  std::string description{};  // at most 8,192 characters
  std::vector<Tag> tags{};    // at most 50
  // As AWS names them; everything but a symmetric key made here is kKmsUnsupported so far.
  std::optional<std::string> key_spec{};  // also CustomerMasterKeySpec
  std::optional<std::string> key_usage{};
  std::optional<std::string> origin{};
  bool multi_region = false;
};

using ListKeysRequest = PageRequest;  // 100 a page when absent
struct KeyListEntry {
  std::string key_id;
  std::string key_arn;
};
struct ListKeysAnswer {
  std::vector<KeyListEntry> keys;  // in the order of their ids
  bool truncated = false;
  std::string next_marker;  // only where truncated
};

struct ListTagsAnswer {
  std::vector<Tag> tags;  // in the order of their keys
  bool truncated = false;
  std::string next_marker;
};

struct AliasEntry {
  std::string name;  // with "alias/" in front
  std::string arn;
  std::string target_key_id;          // an id; empty for an alias of AWS that no key was made for yet
  std::int64_t creation_unix_ms = 0;  // 0 where there is no target
  std::int64_t last_updated_unix_ms = 0;
};
struct ListAliasesAnswer {
  std::vector<AliasEntry> aliases;  // in the order of their names
  bool truncated = false;
  std::string next_marker;
};

struct RotationStatus {
  std::string key_arn;
  bool enabled = false;
  std::int64_t period_days = 0;                // only where enabled
  std::optional<std::int64_t> next_unix_ms{};  // only where enabled
};

struct RotationEntry {
  std::string key_arn;
  std::string material_id;
  bool is_current = false;
  std::optional<std::int64_t> rotation_unix_ms{};  // nothing: the first material, not made by a rotation
  bool on_demand = false;                          // else by the schedule
};
struct ListRotationsRequest {
  std::string key_id;
  std::optional<std::string> include_key_material{};  // ROTATIONS_ONLY when absent
  PageRequest page{};
};
struct ListRotationsAnswer {
  std::vector<RotationEntry> rotations;  // the oldest first
  bool truncated = false;
  std::string next_marker;
};

struct ScheduleDeletionAnswer {
  std::string key_arn;
  std::int64_t deletion_unix_ms = 0;
  KeyState state = KeyState::kPendingDeletion;
  std::int64_t window_days = 0;
};

// `algorithm` is an EncryptionAlgorithmSpec of AWS; absent it is SYMMETRIC_DEFAULT, the only one that fits
// the keys there are.
struct EncryptRequest {
  std::string key_id;  // or alias
  ByteSpan plaintext;  // 1 to 4,096 bytes
  EncryptionContext context;
  std::optional<std::string> algorithm{};
  CallOptions options{};
};
struct EncryptAnswer {
  Bytes ciphertext;
  std::string key_arn;
};

inline constexpr std::size_t kMaxCiphertextBytes = 6144;

struct DecryptRequest {
  ByteSpan ciphertext;                // 1 to kMaxCiphertextBytes
  std::optional<std::string> key_id;  // or alias
  EncryptionContext context;
  std::optional<std::string> algorithm{};
  CallOptions options{};
};
struct DecryptAnswer {
  WipedBytes plaintext;
  std::string key_arn;
  std::string material_id;
};

// Entries of a batch under one key. Views: what they refer to outlives the call.
struct BatchEncryptEntry {
  ByteSpan plaintext;
  const EncryptionContext& context;
};
struct BatchDecryptEntry {
  ByteSpan ciphertext;
  const EncryptionContext& context;
};
struct BatchReEncryptEntry {
  ByteSpan ciphertext;
  const EncryptionContext& source_context;
  const EncryptionContext& destination_context;
};
inline constexpr std::size_t kMaxBatchEntries = 1000;

struct ReEncryptRequest {
  ByteSpan ciphertext;
  std::optional<std::string> source_key_id;  // or alias
  EncryptionContext source_context;
  std::string destination_key_id;  // or alias
  EncryptionContext destination_context;
  std::optional<std::string> source_algorithm{};
  std::optional<std::string> destination_algorithm{};
  CallOptions options{};
};
struct ReEncryptAnswer {
  Bytes ciphertext;
  std::string source_key_arn;
  std::string key_arn;
  std::string source_material_id;
  std::string destination_material_id;
};

struct GenerateDataKeyRequest {
  std::string key_id;                           // or alias
  std::optional<std::string> key_spec;          // AES_256 or AES_128; this or the next
  std::optional<std::int64_t> number_of_bytes;  // 1 to 1,024
  EncryptionContext context;
  CallOptions options{};
};
struct GenerateDataKeyAnswer {
  WipedBytes plaintext;  // empty from generate_data_key_without_plaintext
  Bytes ciphertext;
  std::string key_arn;
  std::string material_id;
};

struct GenerateRandomRequest {
  std::optional<std::int64_t> number_of_bytes;  // 1 to 1,024
};

}  // namespace enfold
