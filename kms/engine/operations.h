// Requests and answers of the engine, as plain values with AWS's names. Texts are as the caller sent them:
// the engine checks them. `key_id` is a key id or key ARN.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kms/base/bytes.h"
#include "kms/crypto/wiped_bytes.h"
#include "kms/engine/encryption_context.h"

namespace enfold {

// Where a call is addressed. Only keys of this region and account are found by it.
struct CallScope {
  std::string region;
  std::string account;  // 12 digits
};

// The scope of an embedded store's own keys.
inline CallScope local_scope() { return {"local", "000000000000"}; }

enum class KeyState : std::uint8_t { kEnabled = 1, kDisabled = 2 };
std::string name_of(KeyState state);  // "Enabled", "Disabled"

// KeyUsage is ENCRYPT_DECRYPT, KeySpec SYMMETRIC_DEFAULT, Origin AWS_KMS and KeyManager CUSTOMER for every
// key.
struct KeyMetadata {
  std::string key_id;
  std::string arn;
  CallScope scope;
  std::int64_t creation_unix_ms = 0;
  KeyState state = KeyState::kEnabled;
  std::string description;
  std::string current_material_id;            // 64 hexadecimal digits
  std::vector<std::string> all_material_ids;  // oldest first; not in AWS's answer
};

struct CreateKeyRequest {
  std::string description;  // at most 8,192 bytes
};

struct ListKeysRequest {
  std::optional<std::int64_t> limit;  // 1 to 1,000; 100 when absent
  std::optional<std::string> marker;  // next_marker of the answer before
};
struct KeyListEntry {
  std::string key_id;
  std::string key_arn;
};
struct ListKeysAnswer {
  std::vector<KeyListEntry> keys;  // in the order of their ids
  bool truncated = false;
  std::string next_marker;  // only where truncated
};

struct EncryptRequest {
  std::string key_id;
  ByteSpan plaintext;  // 1 to 4,096 bytes
  EncryptionContext context;
};
struct EncryptAnswer {
  Bytes ciphertext;
  std::string key_arn;
};

struct DecryptRequest {
  ByteSpan ciphertext;  // 1 to 6,144 bytes
  std::optional<std::string> key_id;
  EncryptionContext context;
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
inline constexpr std::size_t kMaxBatchEntries = 1000;

struct ReEncryptRequest {
  ByteSpan ciphertext;
  std::optional<std::string> source_key_id;
  EncryptionContext source_context;
  std::string destination_key_id;
  EncryptionContext destination_context;
};
struct ReEncryptAnswer {
  Bytes ciphertext;
  std::string source_key_arn;
  std::string key_arn;
  std::string source_material_id;
  std::string destination_material_id;
};

struct GenerateDataKeyRequest {
  std::string key_id;
  std::optional<std::string> key_spec;          // AES_256 or AES_128; this or the next
  std::optional<std::int64_t> number_of_bytes;  // 1 to 1,024
  EncryptionContext context;
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
