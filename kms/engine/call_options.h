// What every cryptographic request may carry: grant tokens, an algorithm, DryRun.
#pragma once

#include "kms/engine/operations.h"
#include "kms/engine/validation.h"

namespace enfold {

// Without their values: a token is as good as the grant.
void validate_grant_tokens(Validation& validation, const std::vector<std::string>& tokens);
void validate_algorithm(Validation& validation, std::string_view path,
                        const std::optional<std::string>& algorithm);

// How the keys that there are may be used. kKmsInvalidKeyUsage.
Result<void> require_algorithm(const std::optional<std::string>& algorithm);

// The last of all checks: what succeeded does so only where it was meant. kKmsDryRun.
Result<void> require_meant(const CallOptions& options);

}  // namespace enfold
