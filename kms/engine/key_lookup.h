// What a caller may write as a key, and the refusals of AWS for what it may not.
#pragma once

#include <string>

#include "kms/engine/ciphertext_blob.h"
#include "kms/engine/operation_rules.h"

namespace enfold {

// What a caller wrote as a key, before anything was looked for.
struct KeyName {
  CallScope scope;  // the caller's region, but any account
  std::optional<KeyId> id{};
  std::string alias{};  // with "alias/" in front; used where there is no id
};

// Takes a key's id or ARN, and an alias's name or ARN where the operation does. kKmsNotFound: "Invalid keyId
// 'x'", "Invalid arn REGION"; kKmsInvalidArn: an alias's ARN where it does not.
Result<KeyName> parse_key_name(const OperationRule& rule, const CallScope& scope, const std::string& text);

// "Key 'ARN' does not exist"
std::unexpected<Error> key_not_found(const CallScope& scope, const KeyId& id);
// "Alias ARN is not found."
std::unexpected<Error> alias_not_found(const CallScope& scope, const std::string& name);

// Whether the operation may name a key of this account at all, before anything is said of the key. Until
// there are policies no account lets another in. kKmsAccessDenied.
Result<void> authorise_account(const OperationRule& rule, const KmsCaller& caller,
                               const std::string& account);
// Whether the caller may do this with the key. Until there are policies its account may do everything but
// change what AWS manages, and there is no grant that a token could stand for. kKmsAccessDenied,
// kKmsInvalidGrantToken.
Result<void> authorise(const OperationRule& rule, const KmsCaller& caller, const Key& key,
                       const std::vector<std::string>& grant_tokens);

}  // namespace enfold
