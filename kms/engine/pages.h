// Pages of a list and the markers between them. A marker names the last entry that was answered, not a place,
// so that what is made or removed meanwhile breaks nothing.
#pragma once

#include <string>
#include <string_view>

#include "kms/engine/operations.h"
#include "kms/engine/validation.h"

namespace enfold {

// Limit and marker of a request; `max_limit` is the largest that the list takes.
void validate_page(Validation& validation, const PageRequest& page, std::int64_t max_limit = 1000);

// `list` tells the markers of one list from those of another.
std::string make_marker(std::string_view list, std::string_view last_entry);
// Empty without a marker: before the first entry. kKmsInvalidMarker.
Result<std::string> read_marker(std::string_view list, const PageRequest& page);

}  // namespace enfold
