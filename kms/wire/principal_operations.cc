// Our own operations for administrators.
#include <boost/json.hpp>

#include "kms/wire/answer_members.h"
#include "kms/wire/operation_handlers.h"
#include "kms/wire/request_members.h"

namespace enfold::operations {
namespace {

struct PrincipalName {
  std::string account;
  std::string name;
};

AwsResult<PrincipalName> read_name(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  PrincipalName request{.account = members.text("Account"), .name = members.text("Name")};
  ENFOLD_AWS_TRY(faults.check());
  return request;
}

void put_principal(boost::json::object& out, const PrincipalInfo& principal) {
  put_text(out, "Account", principal.account);
  put_text(out, "Name", principal.name);
  put_text(out, "Arn", principal.arn);
  put_date(out, "CreateDate", principal.creation_unix_ms);
  boost::json::array& unix_ids = put_list(out, "UnixIds");
  for (std::uint32_t id : principal.unix_ids) unix_ids.emplace_back(id);
  boost::json::array& access_keys = put_list(out, "AccessKeyIds");
  for (const std::string& id : principal.access_keys) access_keys.emplace_back(id);
}

}  // namespace

AwsResult<void> add_principal(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  const AddPrincipalRequest request{.account = members.text("Account"),
                                    .name = members.text("Name"),
                                    .unix_ids = members.unix_ids("UnixIds")};
  ENFOLD_AWS_TRY(faults.check());
  ENFOLD_AWS_TRY_ASSIGN(const PrincipalInfo principal, as_aws(call.engine.add_principal(request)));
  put_principal(call.answer["Principal"].emplace_object(), principal);
  return {};
}

AwsResult<void> list_principals(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const std::vector<PrincipalInfo> principals, as_aws(call.engine.list_principals()));
  boost::json::array& list = put_list(call.answer, "Principals");
  for (const PrincipalInfo& principal : principals) put_principal(put_structure(list), principal);
  return {};
}

AwsResult<void> remove_principal(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const PrincipalName request, read_name(call));
  return as_aws(call.engine.remove_principal(request.account, request.name));
}

AwsResult<void> create_access_key(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const PrincipalName request, read_name(call));
  ENFOLD_AWS_TRY_ASSIGN(const NewAccessKey key,
                        as_aws(call.engine.create_access_key(request.account, request.name)));
  put_text(call.answer, "AccessKeyId", key.id);
  const auto secret = key.secret.expose();
  put_text(call.answer, "SecretAccessKey", {reinterpret_cast<const char*>(secret.data()), secret.size()});
  return {};
}

AwsResult<void> delete_access_key(const OperationCall& call) {
  RequestFaults faults;
  const std::string id = RequestMembers(call.request, faults).text("AccessKeyId");
  ENFOLD_AWS_TRY(faults.check());
  return as_aws(call.engine.delete_access_key(id));
}

}  // namespace enfold::operations
