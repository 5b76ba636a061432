// Rotation and deletion of keys.
#include <boost/json.hpp>

#include "kms/engine/validation.h"
#include "kms/wire/answer_members.h"
#include "kms/wire/operation_handlers.h"
#include "kms/wire/request_members.h"

namespace enfold::operations {
namespace {

struct KeyAndNumber {
  std::string key_id;
  std::optional<std::int64_t> number;
};

AwsResult<KeyAndNumber> read(const OperationCall& call, std::string_view number_name) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  KeyAndNumber request{.key_id = members.text("KeyId"), .number = {}};
  if (!number_name.empty()) request.number = members.optional_integer(number_name);
  ENFOLD_AWS_TRY(faults.check());
  return request;
}

void put_rotation(boost::json::object& entry, const RotationEntry& rotation) {
  put_text(entry, "KeyId", rotation.key_arn);
  put_text(entry, "KeyMaterialId", rotation.material_id);
  put_text(entry, "KeyMaterialState", rotation.is_current ? "CURRENT" : "NON_CURRENT");
  if (!rotation.rotation_unix_ms) return;
  put_date(entry, "RotationDate", *rotation.rotation_unix_ms);
  put_text(entry, "RotationType", rotation.on_demand ? "ON_DEMAND" : "AUTOMATIC");
}

}  // namespace

AwsResult<void> enable_key_rotation(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const KeyAndNumber request, read(call, "RotationPeriodInDays"));
  return as_aws(call.engine.enable_key_rotation(*call.caller, request.key_id, request.number));
}

AwsResult<void> disable_key_rotation(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const KeyAndNumber request, read(call, {}));
  return as_aws(call.engine.disable_key_rotation(*call.caller, request.key_id));
}

AwsResult<void> get_key_rotation_status(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const KeyAndNumber request, read(call, {}));
  ENFOLD_AWS_TRY_ASSIGN(const RotationStatus status,
                        as_aws(call.engine.get_key_rotation_status(*call.caller, request.key_id)));
  put_flag(call.answer, "KeyRotationEnabled", status.enabled);
  put_text(call.answer, "KeyId", status.key_arn);
  if (!status.enabled) return {};
  put_integer(call.answer, "RotationPeriodInDays", status.period_days);
  if (status.next_unix_ms) put_date(call.answer, "NextRotationDate", *status.next_unix_ms);
  return {};
}

AwsResult<void> rotate_key_on_demand(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const KeyAndNumber request, read(call, {}));
  ENFOLD_AWS_TRY_ASSIGN(const std::string arn,
                        as_aws(call.engine.rotate_key_on_demand(*call.caller, request.key_id)));
  put_text(call.answer, "KeyId", arn);
  return {};
}

AwsResult<void> list_key_rotations(const OperationCall& call) {
  RequestFaults faults;
  RequestMembers members(call.request, faults);
  const ListRotationsRequest request{.key_id = members.text("KeyId"),
                                     .include_key_material = members.optional_text("IncludeKeyMaterial"),
                                     .page = members.page()};
  ENFOLD_AWS_TRY(faults.check());
  ENFOLD_AWS_TRY_ASSIGN(const ListRotationsAnswer answer,
                        as_aws(call.engine.list_key_rotations(*call.caller, request)));
  boost::json::array& list = put_list(call.answer, "Rotations");
  for (const RotationEntry& rotation : answer.rotations) put_rotation(put_structure(list), rotation);
  put_page(call.answer, answer.truncated, answer.next_marker);
  return {};
}

AwsResult<void> schedule_key_deletion(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const KeyAndNumber request, read(call, "PendingWindowInDays"));
  ENFOLD_AWS_TRY_ASSIGN(
      const ScheduleDeletionAnswer answer,
      as_aws(call.engine.schedule_key_deletion(*call.caller, request.key_id, request.number)));
  put_text(call.answer, "KeyId", answer.key_arn);
  put_date(call.answer, "DeletionDate", answer.deletion_unix_ms);
  put_text(call.answer, "KeyState", name_of(answer.state));
  put_integer(call.answer, "PendingWindowInDays", answer.window_days);
  return {};
}

AwsResult<void> cancel_key_deletion(const OperationCall& call) {
  ENFOLD_AWS_TRY_ASSIGN(const KeyAndNumber request, read(call, {}));
  ENFOLD_AWS_TRY_ASSIGN(const std::string arn,
                        as_aws(call.engine.cancel_key_deletion(*call.caller, request.key_id)));
  put_text(call.answer, "KeyId", arn);
  return {};
}

}  // namespace enfold::operations
