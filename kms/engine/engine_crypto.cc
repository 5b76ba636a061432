// The cryptographic operations of the engine: everything that only reads keys.
#include "kms/engine/blob_opening.h"
#include "kms/engine/call_options.h"
#include "kms/engine/engine.h"
#include "kms/engine/operation_rules.h"

namespace enfold {
namespace {

constexpr std::int64_t kMaxRandomBytes = 1024;

static_assert(kMaxPlaintextBytes + kBlobOverheadBytes <= kMaxCiphertextBytes);

Validation& optional_key_id(Validation& validation, std::string_view path,
                            const std::optional<std::string>& key_id) {
  return key_id ? validation.key_id(path, *key_id) : validation;
}

Result<void> validate(const EncryptRequest& request) {
  Validation validation;
  validation.key_id("keyId", request.key_id).blob("plaintext", request.plaintext, kMaxPlaintextBytes);
  validate_algorithm(validation, "encryptionAlgorithm", request.algorithm);
  validate_grant_tokens(validation, request.options.grant_tokens);
  return validation.result();
}

Result<void> validate(const DecryptRequest& request) {
  Validation validation;
  validation.blob("ciphertextBlob", request.ciphertext, kMaxCiphertextBytes);
  optional_key_id(validation, "keyId", request.key_id);
  validate_algorithm(validation, "encryptionAlgorithm", request.algorithm);
  validate_grant_tokens(validation, request.options.grant_tokens);
  return validation.result();
}

Result<void> validate(const ReEncryptRequest& request) {
  Validation validation;
  validation.blob("ciphertextBlob", request.ciphertext, kMaxCiphertextBytes);
  validation.key_id("destinationKeyId", request.destination_key_id);
  optional_key_id(validation, "sourceKeyId", request.source_key_id);
  validate_algorithm(validation, "sourceEncryptionAlgorithm", request.source_algorithm);
  validate_algorithm(validation, "destinationEncryptionAlgorithm", request.destination_algorithm);
  validate_grant_tokens(validation, request.options.grant_tokens);
  return validation.result();
}

Result<void> validate(const GenerateDataKeyRequest& request) {
  Validation validation;
  validation.key_id("keyId", request.key_id)
      .one_of("keySpec", request.key_spec, {"AES_256", "AES_128"})
      .range("numberOfBytes", request.number_of_bytes, 1, kMaxRandomBytes);
  validate_grant_tokens(validation, request.options.grant_tokens);
  return validation.result();
}

Result<std::size_t> data_key_bytes(const GenerateDataKeyRequest& request) {
  if (request.key_spec.has_value() == request.number_of_bytes.has_value())
    return make_error(Errc::kKmsValidation, "Please specify either number of bytes or key spec.");
  if (request.number_of_bytes) return static_cast<std::size_t>(*request.number_of_bytes);
  return std::size_t{*request.key_spec == "AES_256" ? 32U : 16U};
}

}  // namespace

Bytes Engine::seal(const Key& key, const EncryptionContext& context, ByteSpan plaintext) {
  const MaterialVersion& current = key.current();
  return seal_blob({key.id, current.id}, current.material, context, plaintext, entropy_);
}

Result<EncryptAnswer> Engine::encrypt(const KmsCaller& caller, const EncryptRequest& request) {
  ENFOLD_TRY(validate(request));
  ENFOLD_TRY_ASSIGN(KeyPointer key,
                    admit(Operation::kEncrypt, caller, request.key_id, request.options.grant_tokens));
  ENFOLD_TRY(require_algorithm(request.algorithm));
  EncryptAnswer answer{seal(*key, request.context, request.plaintext), key->arn};
  ENFOLD_TRY(require_meant(request.options));
  return answer;
}

Result<DecryptAnswer> Engine::decrypt(const KmsCaller& caller, const DecryptRequest& request) {
  ENFOLD_TRY(validate(request));
  ENFOLD_TRY_ASSIGN(KeyPointer key, admit_for_blob(Operation::kDecrypt, caller, request.key_id,
                                                   request.ciphertext, request.options.grant_tokens));
  ENFOLD_TRY(require_algorithm(request.algorithm));
  ENFOLD_TRY_ASSIGN(DecryptAnswer answer, open_blob_with(*key, request.ciphertext, request.context));
  ENFOLD_TRY(require_meant(request.options));
  return answer;
}

Result<ReEncryptAnswer> Engine::re_encrypt(const KmsCaller& caller, const ReEncryptRequest& request) {
  ENFOLD_TRY(validate(request));
  const std::vector<std::string>& tokens = request.options.grant_tokens;
  ENFOLD_TRY_ASSIGN(KeyPointer destination,
                    admit(Operation::kReEncryptTo, caller, request.destination_key_id, tokens));
  ENFOLD_TRY_ASSIGN(KeyPointer source, admit_for_blob(Operation::kReEncryptFrom, caller,
                                                      request.source_key_id, request.ciphertext, tokens));
  ENFOLD_TRY(require_algorithm(request.source_algorithm));
  ENFOLD_TRY(require_algorithm(request.destination_algorithm));
  ENFOLD_TRY_ASSIGN(DecryptAnswer opened,
                    open_blob_with(*source, request.ciphertext, request.source_context));
  ReEncryptAnswer answer{
      .ciphertext = seal(*destination, request.destination_context, opened.plaintext.expose()),
      .source_key_arn = std::move(opened.key_arn),
      .key_arn = destination->arn,
      .source_material_id = std::move(opened.material_id),
      .destination_material_id = to_hex(destination->current().id)};
  ENFOLD_TRY(require_meant(request.options));
  return answer;
}

Result<GenerateDataKeyAnswer> Engine::generate(Operation operation, const KmsCaller& caller,
                                               const GenerateDataKeyRequest& request) {
  ENFOLD_TRY(validate(request));
  ENFOLD_TRY_ASSIGN(std::size_t size, data_key_bytes(request));
  ENFOLD_TRY_ASSIGN(KeyPointer key, admit(operation, caller, request.key_id, request.options.grant_tokens));
  WipedBytes plaintext(size);
  entropy_.fill(plaintext.expose_mutable());
  Bytes ciphertext = seal(*key, request.context, plaintext.expose());
  ENFOLD_TRY(require_meant(request.options));
  return GenerateDataKeyAnswer{std::move(plaintext), std::move(ciphertext), key->arn,
                               to_hex(key->current().id)};
}

Result<GenerateDataKeyAnswer> Engine::generate_data_key(const KmsCaller& caller,
                                                        const GenerateDataKeyRequest& request) {
  return generate(Operation::kGenerateDataKey, caller, request);
}

Result<GenerateDataKeyAnswer> Engine::generate_data_key_without_plaintext(
    const KmsCaller& caller, const GenerateDataKeyRequest& request) {
  ENFOLD_TRY_ASSIGN(GenerateDataKeyAnswer answer,
                    generate(Operation::kGenerateDataKeyWithoutPlaintext, caller, request));
  answer.plaintext = WipedBytes();
  return answer;
}

Result<WipedBytes> Engine::generate_random(const GenerateRandomRequest& request) {
  ENFOLD_TRY(Validation().range("numberOfBytes", request.number_of_bytes, 1, kMaxRandomBytes).result());
  if (!request.number_of_bytes) return make_error(Errc::kKmsValidation, "NumberOfBytes is required.");
  WipedBytes bytes(static_cast<std::size_t>(*request.number_of_bytes));
  entropy_.fill(bytes.expose_mutable());
  return bytes;
}

}  // namespace enfold
