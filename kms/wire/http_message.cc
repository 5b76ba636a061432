#include "kms/wire/http_message.h"

#include <algorithm>

namespace enfold {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool is_header(std::string_view header, std::string_view name) {
  return header.size() == name.size() && std::ranges::equal(header, name, {}, lower, lower);
}

std::string_view HttpRequestView::header(std::string_view name) const {
  const auto found =
      std::ranges::find_if(headers, [&](const HeaderView& header) { return is_header(header.name, name); });
  return found == headers.end() ? std::string_view{} : found->value;
}

std::size_t HttpRequestView::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(headers, [&](const HeaderView& header) { return is_header(header.name, name); }));
}

}  // namespace enfold
