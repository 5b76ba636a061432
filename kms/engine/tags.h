// A key's tags: AWS's limits and refusals.
#pragma once

#include <vector>

#include "kms/engine/operations.h"
#include "kms/engine/validation.h"

namespace enfold {

inline constexpr std::size_t kMaxTags = 50;  // of one key

// Lengths of keys and values.
void validate_tags(Validation& validation, const std::vector<Tag>& tags);

// Adds them to those that are there; a known tag key gets the new value. kKmsTag: repeated or reserved keys,
// characters that no tag has, too many of them together.
Result<void> put_tags(std::vector<Tag>& known, const std::vector<Tag>& added);

// By key, each once.
bool are_in_order(const std::vector<Tag>& tags);

}  // namespace enfold
