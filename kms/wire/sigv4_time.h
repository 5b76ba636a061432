// Times as signatures have them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace enfold {

// "20261121T214012Z" (ISO 8601, basic). Of the years 1970 to 9999.
std::string amz_date(std::int64_t unix_ms);

// Milliseconds since 1970. Nothing where `text` is not exactly of that form or no such time.
std::optional<std::int64_t> parse_amz_date(std::string_view text);

// As parse_amz_date, or "Sat, 21 Nov 2026 21:40:12 GMT" (RFC 9110 section 5.6.7, IMF-fixdate).
std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace enfold
