// The closed table of operations: how each one's JSON becomes a call of the engine and the engine's answer
// becomes JSON. The service calls it for what comes over HTTP; a process that has a store open calls it
// directly, without HTTP and signature.
#pragma once

#include <boost/json/fwd.hpp>
#include <string_view>

#include "kms/engine/engine.h"
#include "kms/wire/aws_error.h"
#include "kms/wire/json_memory.h"

namespace enfold {

struct KmsOperation;  // a row of the table

// Who asks, once that is established.
struct OperationCaller {
  // Null: somebody without a principal, who may at most administer principals.
  const KmsCaller* caller = nullptr;
  bool is_administrator = false;  // may call the operations for administrators, too
};

// Thread-safe.
class KmsOperations {
 public:
  // `engine` outlives this.
  explicit KmsOperations(Engine& engine) : engine_(engine) {}

  // `target` as in X-Amz-Target: "TrentService.Encrypt" or "Enfold.Ping". Null where it names nothing. What
  // AWS has and we do not serve has a row, too.
  static const KmsOperation* find(std::string_view target);

  // The answer lies in the request's memory resource (boost::json::object::storage) and may hold key
  // material: where that matters, make the request over wiping_storage(). An AwsError whose class says
  // nothing of its cause carries it (AwsError::cause).
  AwsResult<boost::json::object> call(const OperationCaller& caller, const KmsOperation& operation,
                                      const boost::json::object& request);
  // The same by name; UnknownOperationException where there is none of that name.
  AwsResult<boost::json::object> call(const KmsCaller& caller, bool is_administrator, std::string_view target,
                                      const boost::json::object& request);

 private:
  Engine& engine_;
};

}  // namespace enfold
