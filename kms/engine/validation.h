// AWS's checks of a request's values, all of them together, with its ValidationException text: "2 validation
// errors detected: Value ... at '...' failed to satisfy constraint: ...; Value ...".
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "kms/base/bytes.h"
#include "kms/base/error.h"

namespace enfold {

class Validation {
 public:
  // `path` is the member's camelCase path. Lengths of texts are in UTF-16 units.
  Validation& length(std::string_view path, const std::string& value, std::size_t min, std::size_t max);
  // Without the value, which may be a secret.
  Validation& blob(std::string_view path, ByteSpan value, std::size_t max);
  Validation& range(std::string_view path, std::optional<std::int64_t> value, std::int64_t min,
                    std::int64_t max);
  Validation& one_of(std::string_view path, const std::optional<std::string>& value,
                     std::initializer_list<std::string_view> allowed);

  // How many members a list has. Without them.
  Validation& count(std::string_view path, std::size_t members, std::size_t max);
  // `matches` says whether the value fits the regular expression.
  Validation& pattern(std::string_view path, const std::string& value, bool matches,
                      std::string_view expression);

  // The rule for every key identifier of a request.
  Validation& key_id(std::string_view path, const std::string& value) { return length(path, value, 1, 2048); }

  [[nodiscard]] Result<void> result() const;

 private:
  void fail(std::string_view path, const std::string& quoted_value, const std::string& constraint);

  std::string failures_;
  int count_ = 0;
};

}  // namespace enfold
