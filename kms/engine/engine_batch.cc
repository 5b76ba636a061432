// Many entries under one key with one look at the store.
#include "kms/engine/arn.h"
#include "kms/engine/blob_opening.h"
#include "kms/engine/engine.h"
#include "kms/engine/operation_rules.h"
#include "kms/engine/validation.h"

namespace enfold {
namespace {

Validation& entries(Validation& validation, std::size_t count) {
  return validation.range("entries", static_cast<std::int64_t>(count), 1, std::int64_t{kMaxBatchEntries});
}

Result<void> validate_batch(const std::string& key_id, std::size_t count) {
  Validation validation;
  return entries(validation.key_id("keyId", key_id), count).result();
}

Result<DecryptAnswer> open_entry(const Key& key, ByteSpan ciphertext, const EncryptionContext& context) {
  ENFOLD_TRY(Validation().blob("ciphertextBlob", ciphertext, kMaxCiphertextBytes).result());
  return open_blob_with(key, ciphertext, context);
}

// The caller, where this key is: a key named by its ARN is looked for in its own region.
KmsCaller in_region_of(const KmsCaller& caller, const std::string& key_id) {
  KmsCaller there = caller;
  if (auto arn = parse_kms_arn(key_id)) there.scope.region = std::move(arn->scope.region);
  return there;
}

}  // namespace

Result<std::vector<Result<EncryptAnswer>>> Engine::encrypt_batch(const KmsCaller& caller,
                                                                 const std::string& key_id,
                                                                 std::span<const BatchEncryptEntry> batch) {
  ENFOLD_TRY(validate_batch(key_id, batch.size()));
  ENFOLD_TRY_ASSIGN(KeyPointer key, admit(Operation::kEncrypt, caller, key_id));
  std::vector<Result<EncryptAnswer>> answers;
  answers.reserve(batch.size());
  for (const BatchEncryptEntry& entry : batch) {
    auto valid = Validation().blob("plaintext", entry.plaintext, kMaxPlaintextBytes).result();
    if (valid)
      answers.emplace_back(EncryptAnswer{seal(*key, entry.context, entry.plaintext), key->arn});
    else
      answers.emplace_back(std::unexpected(std::move(valid).error()));
  }
  return answers;
}

Result<std::vector<Result<DecryptAnswer>>> Engine::decrypt_batch(const KmsCaller& caller,
                                                                 const std::string& key_id,
                                                                 std::span<const BatchDecryptEntry> batch) {
  ENFOLD_TRY(validate_batch(key_id, batch.size()));
  ENFOLD_TRY_ASSIGN(KeyPointer key, admit(Operation::kDecrypt, caller, key_id));
  std::vector<Result<DecryptAnswer>> answers;
  answers.reserve(batch.size());
  for (const BatchDecryptEntry& entry : batch)
    answers.push_back(open_entry(*key, entry.ciphertext, entry.context));
  return answers;
}

Result<std::vector<Result<ReEncryptAnswer>>> Engine::re_encrypt_batch(
    const KmsCaller& caller, const std::string& source_key_id, const std::string& destination_key_id,
    std::span<const BatchReEncryptEntry> batch) {
  Validation validation;
  validation.key_id("sourceKeyId", source_key_id).key_id("destinationKeyId", destination_key_id);
  ENFOLD_TRY(entries(validation, batch.size()).result());
  ENFOLD_TRY_ASSIGN(KeyPointer destination, admit(Operation::kReEncryptTo, caller, destination_key_id));
  ENFOLD_TRY_ASSIGN(KeyPointer source,
                    admit(Operation::kReEncryptFrom, in_region_of(caller, source_key_id), source_key_id));
  std::vector<Result<ReEncryptAnswer>> answers;
  answers.reserve(batch.size());
  for (const BatchReEncryptEntry& entry : batch) {
    Result<DecryptAnswer> opened = open_entry(*source, entry.ciphertext, entry.source_context);
    if (opened)
      answers.emplace_back(ReEncryptAnswer{
          .ciphertext = seal(*destination, entry.destination_context, opened->plaintext.expose()),
          .source_key_arn = source->arn,
          .key_arn = destination->arn,
          .source_material_id = std::move(opened->material_id),
          .destination_material_id = to_hex(destination->current().id)});
    else
      answers.emplace_back(std::unexpected(std::move(opened).error()));
  }
  return answers;
}

}  // namespace enfold
