// Our own operations for everybody: many files' keys in one call, and a call that does nothing.
#include <boost/json.hpp>

#include "kms/wire/answer_members.h"
#include "kms/wire/operation_handlers.h"
#include "kms/wire/operation_table.h"
#include "kms/wire/request_members.h"

namespace enfold::operations {
namespace {

// What the engine's views of a batch refer to.
struct DecryptEntry {
  WipedBytes ciphertext;
  EncryptionContext context;
};
struct ReEncryptEntry {
  WipedBytes ciphertext;
  EncryptionContext source_context;
  EncryptionContext destination_context;
};

void put_entry_error(boost::json::object& entry, const Error& error) {
  put_error(entry["Error"].emplace_object(), aws_error_of(error));
}

}  // namespace

AwsResult<void> batch_decrypt(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  const std::string key_id = members.text("KeyId");
  std::vector<DecryptEntry> read;
  for (const RequestMembers::Entry& entry : members.entries("Entries")) {
    RequestMembers of(entry.object, faults, entry.path);
    read.push_back({of.blob("CiphertextBlob"), of.context("EncryptionContext")});
  }
  ENFOLD_AWS_TRY(faults.check());
  std::vector<BatchDecryptEntry> entries;
  entries.reserve(read.size());
  for (const DecryptEntry& entry : read) entries.push_back({entry.ciphertext.expose(), entry.context});
  ENFOLD_AWS_TRY_ASSIGN(const auto answers, as_aws(call.engine.decrypt_batch(*call.caller, key_id, entries)));

  for (const auto& answer : answers) {
    if (!answer) continue;
    put_text(call.answer, "KeyId", answer->key_arn);
    break;
  }
  boost::json::array& list = put_list(call.answer, "Entries");
  for (const auto& answer : answers) {
    boost::json::object& entry = put_structure(list);
    if (!answer) {
      put_entry_error(entry, answer.error());
      continue;
    }
    put_blob(entry, "Plaintext", answer->plaintext.expose());
    put_text(entry, "KeyMaterialId", answer->material_id);
  }
  return {};
}

AwsResult<void> batch_re_encrypt(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  const std::string source = members.text("SourceKeyId");
  const std::string destination = members.text("DestinationKeyId");
  std::vector<ReEncryptEntry> read;
  for (const RequestMembers::Entry& entry : members.entries("Entries")) {
    RequestMembers of(entry.object, faults, entry.path);
    read.push_back({of.blob("CiphertextBlob"), of.context("SourceEncryptionContext"),
                    of.context("DestinationEncryptionContext")});
  }
  ENFOLD_AWS_TRY(faults.check());
  std::vector<BatchReEncryptEntry> entries;
  entries.reserve(read.size());
  for (const ReEncryptEntry& entry : read)
    entries.push_back({entry.ciphertext.expose(), entry.source_context, entry.destination_context});
  ENFOLD_AWS_TRY_ASSIGN(const auto answers,
                        as_aws(call.engine.re_encrypt_batch(*call.caller, source, destination, entries)));

  for (const auto& answer : answers) {
    if (!answer) continue;
    put_text(call.answer, "SourceKeyId", answer->source_key_arn);
    put_text(call.answer, "KeyId", answer->key_arn);
    break;
  }
  boost::json::array& list = put_list(call.answer, "Entries");
  for (const auto& answer : answers) {
    boost::json::object& entry = put_structure(list);
    if (!answer) {
      put_entry_error(entry, answer.error());
      continue;
    }
    put_blob(entry, "CiphertextBlob", answer->ciphertext);
    put_text(entry, "SourceKeyMaterialId", answer->source_material_id);
    put_text(entry, "DestinationKeyMaterialId", answer->destination_material_id);
  }
  return {};
}

AwsResult<void> ping(const OperationCall& call) {
  static constexpr std::string_view kPrefix = "Enfold.";
  put_text(call.answer, "Version", ENFOLD_VERSION);
  boost::json::array& names = put_list(call.answer, "Operations");
  for (const KmsOperation& operation : operation_table())
    if (operation.target.starts_with(kPrefix) && !operation.for_administrators)
      names.emplace_back(operation.target.substr(kPrefix.size()));
  return {};
}

}  // namespace enfold::operations
