#include <boost/json.hpp>

#include "kms/wire/answer_members.h"
#include "kms/wire/operation_handlers.h"
#include "kms/wire/request_members.h"

namespace enfold::operations {
namespace {

struct AliasTarget {
  std::string name;
  std::string key_id;
};

AwsResult<AliasTarget> read_alias_target(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  AliasTarget request{.name = members.text("AliasName"), .key_id = members.text("TargetKeyId")};
  ENFOLD_AWS_TRY(faults.check());
  return request;
}

}  // namespace

AwsResult<void> create_alias(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const AliasTarget request, read_alias_target(call));
  return as_aws(call.engine.create_alias(*call.caller, request.name, request.key_id));
}

AwsResult<void> update_alias(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const AliasTarget request, read_alias_target(call));
  return as_aws(call.engine.update_alias(*call.caller, request.name, request.key_id));
}

AwsResult<void> delete_alias(const OperationCall& call) {
  RequestFaults faults;
  const std::string name = RequestMembers(call.request, faults).text("AliasName");
  ENFOLD_AWS_TRY(faults.check());
  return as_aws(call.engine.delete_alias(*call.caller, name));
}

AwsResult<void> list_aliases(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  const std::optional<std::string> key_id = members.optional_text("KeyId");
  const PageRequest page = members.page();
  ENFOLD_AWS_TRY(faults.check());
  ENFOLD_AWS_TRY_ASSIGN(const ListAliasesAnswer answer,
                        as_aws(call.engine.list_aliases(*call.caller, key_id, page)));
  boost::json::array& list = put_list(call.answer, "Aliases");
  for (const AliasEntry& alias : answer.aliases) {
    boost::json::object& entry = put_structure(list);
    put_text(entry, "AliasName", alias.name);
    put_text(entry, "AliasArn", alias.arn);
    if (alias.target_key_id.empty()) continue;
    put_text(entry, "TargetKeyId", alias.target_key_id);
    put_date(entry, "CreationDate", alias.creation_unix_ms);
    put_date(entry, "LastUpdatedDate", alias.last_updated_unix_ms);
  }
  put_page(call.answer, answer.truncated, answer.next_marker);
  return {};
}

}  // namespace enfold::operations
