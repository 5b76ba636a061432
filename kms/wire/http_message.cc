#include "kms/wire/http_message.h"

#include <algorithm>

namespace enfold {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_in_any_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

std::string_view HttpRequestView::header(std::string_view name) const {
  const auto found = std::ranges::find_if(
      headers, [&](const HeaderView& header) { return equal_in_any_case(header.name, name); });
  return found == headers.end() ? std::string_view{} : found->value;
}

}  // namespace enfold
