// The table itself.
#pragma once

#include <span>
#include <string_view>

#include "kms/wire/operation_handlers.h"

namespace enfold {

struct KmsOperation {
  std::string_view target;             // as in X-Amz-Target
  OperationHandler handler = nullptr;  // null: AWS has it, and we do not serve it
  bool for_administrators = false;
  bool for_anybody = false;  // also for who has no principal
  bool is_batch = false;     // a large request is in order
  bool answers = true;       // false: AWS answers an empty body
};

std::span<const KmsOperation> operation_table();  // in the order of the targets

}  // namespace enfold
