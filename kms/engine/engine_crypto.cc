// The cryptographic operations of the engine: everything that only reads keys.
#include "kms/engine/engine.h"
#include "kms/engine/key_lookup.h"
#include "kms/engine/validation.h"

namespace enfold {
namespace {

constexpr std::size_t kMaxPlaintextBytes = 4096;
constexpr std::size_t kMaxCiphertextBytes = 6144;
constexpr std::int64_t kMaxRandomBytes = 1024;

static_assert(kMaxPlaintextBytes + kBlobOverheadBytes <= kMaxCiphertextBytes);

// AWS gives this class no message (kms/README.md).
std::unexpected<Error> invalid_ciphertext() { return make_error(Errc::kKmsInvalidCiphertext, ""); }

Validation& optional_key_id(Validation& validation, std::string_view path,
                            const std::optional<std::string>& key_id) {
  return key_id ? validation.key_id(path, *key_id) : validation;
}

std::unexpected<Error> incorrect_key() {
  return make_error(Errc::kKmsIncorrectKey,
                    "The key ID in the request does not identify a CMK that can perform this operation.");
}

Result<void> validate_batch(const std::string& key_id, std::size_t entries) {
  return Validation()
      .key_id("keyId", key_id)
      .range("entries", static_cast<std::int64_t>(entries), 1, std::int64_t{kMaxBatchEntries})
      .result();
}

// `header` is the blob's, and `key` the one that it names.
Result<DecryptAnswer> open_with(const Key& key, const BlobHeader& header, ByteSpan blob,
                                const EncryptionContext& context) {
  const MaterialVersion* version = key.find_material(header.material_id);
  if (version == nullptr) return invalid_ciphertext();
  std::optional<WipedBytes> plaintext = open_blob(blob, version->material, context);
  if (!plaintext) return invalid_ciphertext();
  return DecryptAnswer{*std::move(plaintext), key.arn, to_hex(version->id)};
}

Result<DecryptAnswer> open_entry(const Key& key, const BatchDecryptEntry& entry) {
  ENFOLD_TRY(Validation().blob("ciphertextBlob", entry.ciphertext, kMaxCiphertextBytes).result());
  ENFOLD_TRY_ASSIGN(BlobHeader header, read_blob_header(entry.ciphertext));
  if (header.key_id != key.id) return incorrect_key();
  return open_with(key, header, entry.ciphertext, entry.context);
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

// A blob names its key. Where the caller names one as well, the two must agree.
Result<Engine::KeyPointer> Engine::find_for_blob(const KmsCaller& caller,
                                                 const std::optional<std::string>& key_id,
                                                 const KeyId& id_in_blob) {
  if (!key_id) {
    Result<KeyPointer> key = find_enabled(caller, uuid_text(id_in_blob));
    if (key || key.error().code != Errc::kKmsNotFound) return key;
    return make_error(
        Errc::kKmsAccessDenied,
        "The ciphertext refers to a customer master key that does not exist, does not exist in this "
        "region, or you are not allowed to access.");
  }
  ENFOLD_TRY_ASSIGN(KeyPointer key, find_enabled(caller, *key_id));
  if (key->id != id_in_blob) return incorrect_key();
  return key;
}

Result<DecryptAnswer> Engine::open(const KmsCaller& caller, const std::optional<std::string>& key_id,
                                   ByteSpan blob, const EncryptionContext& context) {
  ENFOLD_TRY_ASSIGN(BlobHeader header, read_blob_header(blob));
  ENFOLD_TRY_ASSIGN(KeyPointer key, find_for_blob(caller, key_id, header.key_id));
  return open_with(*key, header, blob, context);
}

Result<EncryptAnswer> Engine::encrypt(const KmsCaller& caller, const EncryptRequest& request) {
  ENFOLD_TRY(Validation()
                 .key_id("keyId", request.key_id)
                 .blob("plaintext", request.plaintext, kMaxPlaintextBytes)
                 .result());
  ENFOLD_TRY_ASSIGN(KeyPointer key, find_enabled(caller, request.key_id));
  return EncryptAnswer{seal(*key, request.context, request.plaintext), key->arn};
}

Result<DecryptAnswer> Engine::decrypt(const KmsCaller& caller, const DecryptRequest& request) {
  Validation validation;
  validation.blob("ciphertextBlob", request.ciphertext, kMaxCiphertextBytes);
  ENFOLD_TRY(optional_key_id(validation, "keyId", request.key_id).result());
  return open(caller, request.key_id, request.ciphertext, request.context);
}

Result<std::vector<Result<EncryptAnswer>>> Engine::encrypt_batch(const KmsCaller& caller,
                                                                 const std::string& key_id,
                                                                 std::span<const BatchEncryptEntry> entries) {
  ENFOLD_TRY(validate_batch(key_id, entries.size()));
  ENFOLD_TRY_ASSIGN(KeyPointer key, find_enabled(caller, key_id));
  std::vector<Result<EncryptAnswer>> answers;
  answers.reserve(entries.size());
  for (const BatchEncryptEntry& entry : entries) {
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
                                                                 std::span<const BatchDecryptEntry> entries) {
  ENFOLD_TRY(validate_batch(key_id, entries.size()));
  ENFOLD_TRY_ASSIGN(KeyPointer key, find_enabled(caller, key_id));
  std::vector<Result<DecryptAnswer>> answers;
  answers.reserve(entries.size());
  for (const BatchDecryptEntry& entry : entries) answers.push_back(open_entry(*key, entry));
  return answers;
}

Result<ReEncryptAnswer> Engine::re_encrypt(const KmsCaller& caller, const ReEncryptRequest& request) {
  Validation validation;
  validation.blob("ciphertextBlob", request.ciphertext, kMaxCiphertextBytes);
  validation.key_id("destinationKeyId", request.destination_key_id);
  ENFOLD_TRY(optional_key_id(validation, "sourceKeyId", request.source_key_id).result());
  ENFOLD_TRY_ASSIGN(KeyPointer destination, find_enabled(caller, request.destination_key_id));
  ENFOLD_TRY_ASSIGN(DecryptAnswer opened,
                    open(caller, request.source_key_id, request.ciphertext, request.source_context));
  return ReEncryptAnswer{
      .ciphertext = seal(*destination, request.destination_context, opened.plaintext.expose()),
      .source_key_arn = std::move(opened.key_arn),
      .key_arn = destination->arn,
      .source_material_id = std::move(opened.material_id),
      .destination_material_id = to_hex(destination->current().id)};
}

Result<GenerateDataKeyAnswer> Engine::generate_data_key(const KmsCaller& caller,
                                                        const GenerateDataKeyRequest& request) {
  ENFOLD_TRY(Validation()
                 .key_id("keyId", request.key_id)
                 .one_of("keySpec", request.key_spec, {"AES_256", "AES_128"})
                 .range("numberOfBytes", request.number_of_bytes, 1, kMaxRandomBytes)
                 .result());
  ENFOLD_TRY_ASSIGN(std::size_t size, data_key_bytes(request));
  ENFOLD_TRY_ASSIGN(KeyPointer key, find_enabled(caller, request.key_id));
  WipedBytes plaintext(size);
  entropy_.fill(plaintext.expose_mutable());
  Bytes ciphertext = seal(*key, request.context, plaintext.expose());
  return GenerateDataKeyAnswer{std::move(plaintext), std::move(ciphertext), key->arn,
                               to_hex(key->current().id)};
}

Result<GenerateDataKeyAnswer> Engine::generate_data_key_without_plaintext(
    const KmsCaller& caller, const GenerateDataKeyRequest& request) {
  ENFOLD_TRY_ASSIGN(GenerateDataKeyAnswer answer, generate_data_key(caller, request));
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
