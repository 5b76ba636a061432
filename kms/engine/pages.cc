#include "kms/engine/pages.h"

#include <algorithm>

namespace enfold {
namespace {

constexpr char kSeparator = ':';

// In UTF-8: nothing below a blank, and no first byte of what is above U+00FF.
bool is_latin_1(const std::string& text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte <= 0xc3;
  });
}

}  // namespace

void validate_page(Validation& validation, const PageRequest& page, std::int64_t max_limit) {
  validation.range("limit", page.limit, 1, max_limit);
  if (!page.marker) return;
  validation.length("marker", *page.marker, 1, 1024)
      .pattern("marker", *page.marker, is_latin_1(*page.marker), "[\\u0020-\\u00FF]*");
}

std::string make_marker(std::string_view list, std::string_view last_entry) {
  std::string text(list);
  text += kSeparator;
  return to_base64url(as_bytes(text.append(last_entry)));
}

Result<std::string> read_marker(std::string_view list, const PageRequest& page) {
  if (!page.marker) return std::string();
  Bytes bytes;
  if (from_base64url(*page.marker, bytes)) {
    const std::string text = as_string(bytes);
    if (text.starts_with(list) && text.size() > list.size() + 1 && text[list.size()] == kSeparator)
      return text.substr(list.size() + 1);
  }
  return make_error(Errc::kKmsInvalidMarker, "Invalid marker");
}

}  // namespace enfold
