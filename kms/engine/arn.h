// Amazon resource names of keys: arn:aws:kms:REGION:ACCOUNT:key/ID.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kms/engine/operations.h"

namespace enfold {

struct KeyArn {
  CallScope scope;
  std::string key_id;  // whatever follows "key/"
};

std::string arn_of(const CallScope& scope, std::string_view key_id);

// Nothing where the text is not of that form.
std::optional<KeyArn> parse_arn(std::string_view text);

}  // namespace enfold
