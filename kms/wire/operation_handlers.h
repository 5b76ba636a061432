// What the rows of the table do: read a request, call the engine, write the answer.
#pragma once

#include <boost/json/fwd.hpp>

#include "kms/engine/engine.h"
#include "kms/wire/aws_error.h"

namespace enfold {

// One call. `caller` may be null only for administrators' operations and Ping.
struct OperationCall {
  Engine& engine;
  const KmsCaller* caller;
  const boost::json::object& request;
  boost::json::object& answer;  // empty
};

using OperationHandler = AwsResult<void> (*)(const OperationCall&);

namespace operations {

AwsResult<void> create_key(const OperationCall& call);
AwsResult<void> describe_key(const OperationCall& call);
AwsResult<void> list_keys(const OperationCall& call);
AwsResult<void> enable_key(const OperationCall& call);
AwsResult<void> disable_key(const OperationCall& call);
AwsResult<void> update_key_description(const OperationCall& call);
AwsResult<void> tag_resource(const OperationCall& call);
AwsResult<void> untag_resource(const OperationCall& call);
AwsResult<void> list_resource_tags(const OperationCall& call);

AwsResult<void> create_alias(const OperationCall& call);
AwsResult<void> update_alias(const OperationCall& call);
AwsResult<void> delete_alias(const OperationCall& call);
AwsResult<void> list_aliases(const OperationCall& call);

AwsResult<void> enable_key_rotation(const OperationCall& call);
AwsResult<void> disable_key_rotation(const OperationCall& call);
AwsResult<void> get_key_rotation_status(const OperationCall& call);
AwsResult<void> rotate_key_on_demand(const OperationCall& call);
AwsResult<void> list_key_rotations(const OperationCall& call);
AwsResult<void> schedule_key_deletion(const OperationCall& call);
AwsResult<void> cancel_key_deletion(const OperationCall& call);

AwsResult<void> encrypt(const OperationCall& call);
AwsResult<void> decrypt(const OperationCall& call);
AwsResult<void> re_encrypt(const OperationCall& call);
AwsResult<void> generate_data_key(const OperationCall& call);
AwsResult<void> generate_data_key_without_plaintext(const OperationCall& call);
AwsResult<void> generate_random(const OperationCall& call);

AwsResult<void> batch_decrypt(const OperationCall& call);
AwsResult<void> batch_re_encrypt(const OperationCall& call);
AwsResult<void> ping(const OperationCall& call);

AwsResult<void> add_principal(const OperationCall& call);
AwsResult<void> list_principals(const OperationCall& call);
AwsResult<void> remove_principal(const OperationCall& call);
AwsResult<void> create_access_key(const OperationCall& call);
AwsResult<void> delete_access_key(const OperationCall& call);

}  // namespace operations
}  // namespace enfold
