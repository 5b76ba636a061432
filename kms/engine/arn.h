// Amazon resource names of keys and aliases: arn:aws:kms:REGION:ACCOUNT:key/ID, ...:alias/NAME.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kms/engine/operations.h"

namespace enfold {

std::string arn_of(const CallScope& scope, std::string_view key_id);
// `name` begins with "alias/".
std::string alias_arn(const CallScope& scope, std::string_view name);

struct KmsArn {
  CallScope scope;
  std::string_view resource;  // whatever follows the account; into the text
};
// Nothing where the text is not of that form.
std::optional<KmsArn> parse_kms_arn(std::string_view text);

}  // namespace enfold
