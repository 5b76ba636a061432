#include <boost/json.hpp>

#include "kms/wire/answer_members.h"
#include "kms/wire/operation_handlers.h"
#include "kms/wire/request_members.h"

namespace enfold::operations {
namespace {

// The request of an operation that takes a key and nothing else.
AwsResult<std::string> read_key_id(const OperationCall& call) {
  RequestFaults faults;
  std::string key_id = RequestMembers(call.request, faults).text("KeyId");
  ENFOLD_AWS_TRY(faults.check());
  return key_id;
}

AwsResult<CreateKeyRequest> read_create_key(const boost::json::object& object) {
  RequestFaults faults;
  RequestMembers members(object, faults);
  CreateKeyRequest request{.description = members.optional_text("Description").value_or(""),
                           .tags = members.tags("Tags"),
                           .key_spec = members.optional_text("KeySpec"),
                           .key_usage = members.optional_text("KeyUsage"),
                           .origin = members.optional_text("Origin"),
                           .multi_region = members.flag("MultiRegion")};
  std::optional<std::string> old_name = members.optional_text("CustomerMasterKeySpec");
  members.refuse("Policy");
  members.refuse("CustomKeyStoreId");
  members.refuse("XksKeyId");
  members.refuse_flag("BypassPolicyLockoutSafetyCheck");
  ENFOLD_AWS_TRY(faults.check());
  if (old_name && request.key_spec)
    return aws_error("ValidationException",
                     "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
                     "CustomerMasterKeySpec is deprecated.");
  if (old_name) request.key_spec = std::move(old_name);
  return request;
}

void put_tags(boost::json::object& out, const std::vector<Tag>& tags) {
  boost::json::array& list = put_list(out, "Tags");
  for (const Tag& tag : tags) {
    boost::json::object& entry = put_structure(list);
    put_text(entry, "TagKey", tag.key);
    put_text(entry, "TagValue", tag.value);
  }
}

}  // namespace

AwsResult<void> create_key(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const CreateKeyRequest request, read_create_key(call.request));
  ENFOLD_AWS_TRY_ASSIGN(const KeyMetadata metadata, as_aws(call.engine.create_key(*call.caller, request)));
  put_metadata(call.answer, metadata);
  return {};
}

AwsResult<void> describe_key(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  const std::string key_id = members.text("KeyId");
  const std::vector<std::string> grant_tokens = members.texts("GrantTokens");
  ENFOLD_AWS_TRY(faults.check());
  ENFOLD_AWS_TRY_ASSIGN(const KeyMetadata metadata,
                        as_aws(call.engine.describe_key(*call.caller, key_id, grant_tokens)));
  put_metadata(call.answer, metadata);
  return {};
}

AwsResult<void> list_keys(const OperationCall& call) {
  RequestFaults faults;
  const PageRequest page = RequestMembers(call.request, faults).page();
  ENFOLD_AWS_TRY(faults.check());
  ENFOLD_AWS_TRY_ASSIGN(const ListKeysAnswer answer, as_aws(call.engine.list_keys(*call.caller, page)));
  boost::json::array& list = put_list(call.answer, "Keys");
  for (const KeyListEntry& key : answer.keys) {
    boost::json::object& entry = put_structure(list);
    put_text(entry, "KeyId", key.key_id);
    put_text(entry, "KeyArn", key.key_arn);
  }
  put_page(call.answer, answer.truncated, answer.next_marker);
  return {};
}

AwsResult<void> enable_key(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const std::string key_id, read_key_id(call));
  return as_aws(call.engine.enable_key(*call.caller, key_id));
}

AwsResult<void> disable_key(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const std::string key_id, read_key_id(call));
  return as_aws(call.engine.disable_key(*call.caller, key_id));
}

AwsResult<void> update_key_description(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  const std::string key_id = members.text("KeyId");
  const std::string description = members.text("Description");
  ENFOLD_AWS_TRY(faults.check());
  return as_aws(call.engine.update_key_description(*call.caller, key_id, description));
}

AwsResult<void> tag_resource(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  const std::string key_id = members.text("KeyId");
  const std::vector<Tag> tags = members.required_tags("Tags");
  ENFOLD_AWS_TRY(faults.check());
  return as_aws(call.engine.tag_resource(*call.caller, key_id, tags));
}

AwsResult<void> untag_resource(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  const std::string key_id = members.text("KeyId");
  const std::vector<std::string> tag_keys = members.required_texts("TagKeys");
  ENFOLD_AWS_TRY(faults.check());
  return as_aws(call.engine.untag_resource(*call.caller, key_id, tag_keys));
}

AwsResult<void> list_resource_tags(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  const std::string key_id = members.text("KeyId");
  const PageRequest page = members.page();
  ENFOLD_AWS_TRY(faults.check());
  ENFOLD_AWS_TRY_ASSIGN(const ListTagsAnswer answer,
                        as_aws(call.engine.list_resource_tags(*call.caller, key_id, page)));
  put_tags(call.answer, answer.tags);
  put_page(call.answer, answer.truncated, answer.next_marker);
  return {};
}

}  // namespace enfold::operations
