// HTTP requests and answers as the protocol above HTTP sees them, without sockets.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace enfold {

struct HeaderView {
  std::string_view name;  // in any case
  std::string_view value;
};

// Whether a header's name is `name`, in any case.
bool is_header(std::string_view header, std::string_view name);

// Views into the caller's buffers.
struct HttpRequestView {
  std::string_view method;
  std::string_view target;  // path and query
  std::vector<HeaderView> headers;
  std::string_view body;

  // The first of that name, in any case; nothing and an empty value are alike.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  // How many there are of that name.
  [[nodiscard]] std::size_t count(std::string_view name) const;
};

}  // namespace enfold
