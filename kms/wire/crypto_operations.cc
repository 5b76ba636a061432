#include <boost/json.hpp>

#include "kms/wire/answer_members.h"
#include "kms/wire/operation_handlers.h"
#include "kms/wire/request_members.h"

namespace enfold::operations {
namespace {

constexpr std::string_view kAlgorithm = "SYMMETRIC_DEFAULT";  // the only one that fits the keys there are

AwsResult<GenerateDataKeyRequest> read_data_key_request(const boost::json::object& object) {
  RequestFaults faults;
  RequestMembers members(object, faults);
  GenerateDataKeyRequest request{.key_id = members.text("KeyId"),
                                 .key_spec = members.optional_text("KeySpec"),
                                 .number_of_bytes = members.optional_integer("NumberOfBytes"),
                                 .context = members.context("EncryptionContext"),
                                 .options = members.options()};
  members.refuse("Recipient");
  ENFOLD_AWS_TRY(faults.check());
  return request;
}

}  // namespace

AwsResult<void> encrypt(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  const WipedBytes plaintext = members.blob("Plaintext");
  const EncryptRequest request{.key_id = members.text("KeyId"),
                               .plaintext = plaintext.expose(),
                               .context = members.context("EncryptionContext"),
                               .algorithm = members.optional_text("EncryptionAlgorithm"),
                               .options = members.options()};
  ENFOLD_AWS_TRY(faults.check());
  ENFOLD_AWS_TRY_ASSIGN(const EncryptAnswer answer, as_aws(call.engine.encrypt(*call.caller, request)));
  put_blob(call.answer, "CiphertextBlob", answer.ciphertext);
  put_text(call.answer, "KeyId", answer.key_arn);
  put_text(call.answer, "EncryptionAlgorithm", kAlgorithm);
  return {};
}

AwsResult<void> decrypt(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  const WipedBytes ciphertext = members.blob("CiphertextBlob");
  const DecryptRequest request{.ciphertext = ciphertext.expose(),
                               .key_id = members.optional_text("KeyId"),
                               .context = members.context("EncryptionContext"),
                               .algorithm = members.optional_text("EncryptionAlgorithm"),
                               .options = members.options()};
  members.refuse("Recipient");
  members.refuse("DryRunModifiers");
  ENFOLD_AWS_TRY(faults.check());
  ENFOLD_AWS_TRY_ASSIGN(const DecryptAnswer answer, as_aws(call.engine.decrypt(*call.caller, request)));
  put_text(call.answer, "KeyId", answer.key_arn);
  put_blob(call.answer, "Plaintext", answer.plaintext.expose());
  put_text(call.answer, "EncryptionAlgorithm", kAlgorithm);
  put_text(call.answer, "KeyMaterialId", answer.material_id);
  return {};
}

AwsResult<void> re_encrypt(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  const WipedBytes ciphertext = members.blob("CiphertextBlob");
  const ReEncryptRequest request{
      .ciphertext = ciphertext.expose(),
      .source_key_id = members.optional_text("SourceKeyId"),
      .source_context = members.context("SourceEncryptionContext"),
      .destination_key_id = members.text("DestinationKeyId"),
      .destination_context = members.context("DestinationEncryptionContext"),
      .source_algorithm = members.optional_text("SourceEncryptionAlgorithm"),
      .destination_algorithm = members.optional_text("DestinationEncryptionAlgorithm"),
      .options = members.options()};
  members.refuse("DryRunModifiers");
  ENFOLD_AWS_TRY(faults.check());
  ENFOLD_AWS_TRY_ASSIGN(const ReEncryptAnswer answer, as_aws(call.engine.re_encrypt(*call.caller, request)));
  put_blob(call.answer, "CiphertextBlob", answer.ciphertext);
  put_text(call.answer, "SourceKeyId", answer.source_key_arn);
  put_text(call.answer, "KeyId", answer.key_arn);
  put_text(call.answer, "SourceEncryptionAlgorithm", kAlgorithm);
  put_text(call.answer, "DestinationEncryptionAlgorithm", kAlgorithm);
  put_text(call.answer, "SourceKeyMaterialId", answer.source_material_id);
  put_text(call.answer, "DestinationKeyMaterialId", answer.destination_material_id);
  return {};
}

AwsResult<void> generate_data_key(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const GenerateDataKeyRequest request, read_data_key_request(call.request));
  ENFOLD_AWS_TRY_ASSIGN(const GenerateDataKeyAnswer answer,
                        as_aws(call.engine.generate_data_key(*call.caller, request)));
  put_blob(call.answer, "CiphertextBlob", answer.ciphertext);
  put_blob(call.answer, "Plaintext", answer.plaintext.expose());
  put_text(call.answer, "KeyId", answer.key_arn);
  put_text(call.answer, "KeyMaterialId", answer.material_id);
  return {};
}

AwsResult<void> generate_data_key_without_plaintext(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const GenerateDataKeyRequest request, read_data_key_request(call.request));
  ENFOLD_AWS_TRY_ASSIGN(const GenerateDataKeyAnswer answer,
                        as_aws(call.engine.generate_data_key_without_plaintext(*call.caller, request)));
  put_blob(call.answer, "CiphertextBlob", answer.ciphertext);
  put_text(call.answer, "KeyId", answer.key_arn);
  put_text(call.answer, "KeyMaterialId", answer.material_id);
  return {};
}

AwsResult<void> generate_random(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  const GenerateRandomRequest request{.number_of_bytes = members.optional_integer("NumberOfBytes")};
  members.refuse("CustomKeyStoreId");
  members.refuse("Recipient");
  ENFOLD_AWS_TRY(faults.check());
  ENFOLD_AWS_TRY_ASSIGN(const WipedBytes bytes, as_aws(call.engine.generate_random(request)));
  put_blob(call.answer, "Plaintext", bytes.expose());
  return {};
}

}  // namespace enfold::operations
