#include "kms/wire/kms_operations.h"

#include <algorithm>
#include <boost/json.hpp>

#include "kms/wire/operation_table.h"

namespace enfold {
namespace {

namespace json = boost::json;

// "Enfold.Ping" -> "enfold:Ping", "TrentService.Encrypt" -> "kms:Encrypt", as policies name actions.
std::string action_of(const KmsOperation& operation) {
  const auto dot = operation.target.find('.');
  return (operation.target.starts_with("Enfold.") ? "enfold:" : "kms:") +
         std::string(operation.target.substr(dot + 1));
}

AwsResult<void> authorise(const OperationCaller& caller, const KmsOperation& operation) {
  const bool has_principal = caller.caller != nullptr && !caller.caller->principal.empty();
  const std::string who =
      has_principal ? "User: " + caller.caller->principal + " is not" : "This user is not";
  if (operation.for_administrators && !caller.is_administrator)
    return aws_error("AccessDeniedException",
                     who + " authorized to perform: " + action_of(operation) +
                         ": only root and the user of the key service itself are, unsigned over its Unix "
                         "socket");
  if (caller.caller == nullptr && !operation.for_anybody)
    return aws_error("AccessDeniedException",
                     who + " authorized to perform: " + action_of(operation) +
                         ": it may administer principals and is none itself; `enfold principal add NAME "
                         "--unix-user USER` makes one");
  return {};
}

}  // namespace

const KmsOperation* KmsOperations::find(std::string_view target) {
  const auto table = operation_table();
  const auto row = std::ranges::lower_bound(table, target, {}, &KmsOperation::target);
  return row != table.end() && row->target == target ? &*row : nullptr;
}

AwsResult<json::object> KmsOperations::call(const OperationCaller& caller, const KmsOperation& operation,
                                            const json::object& request) {
  ENFOLD_AWS_TRY(authorise(caller, operation));
  if (operation.handler == nullptr)
    return aws_error("UnsupportedOperationException", "This key service does not have this operation yet.");
  json::object answer(request.storage());
  ENFOLD_AWS_TRY(operation.handler({engine_, caller.caller, request, answer}));
  return answer;
}

AwsResult<json::object> KmsOperations::call(const KmsCaller& caller, bool is_administrator,
                                            std::string_view target, const json::object& request) {
  const KmsOperation* operation = find(target);
  if (operation == nullptr) return aws_error("UnknownOperationException", "");
  return call({&caller, is_administrator}, *operation, request);
}

}  // namespace enfold
