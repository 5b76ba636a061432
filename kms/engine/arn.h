// Amazon resource names of keys and aliases: arn:aws:kms:REGION:ACCOUNT:key/ID, ...:alias/NAME.
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
// `name` begins with "alias/".
std::string alias_arn(const CallScope& scope, std::string_view name);

// Nothing where the text is not of that form.
std::optional<KeyArn> parse_arn(std::string_view text);

// Any resource of a KMS: whatever follows the account.
struct KmsArn {
  CallScope scope;
  std::string_view resource;  // into the text
};
std::optional<KmsArn> parse_kms_arn(std::string_view text);

}  // namespace enfold
