#include "kms/engine/validation.h"

#include <algorithm>

namespace enfold {
namespace {

// A value is echoed so that its sender finds it; no more of it than that takes.
constexpr std::size_t kMaxEchoBytes = 256;

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; }
bool begins_two_units(char c) { return static_cast<unsigned char>(c) >= 0xf0; }

// As AWS counts: in UTF-16 units.
std::size_t characters(const std::string& value) {
  const auto continued = std::ranges::count_if(value, continues_character);
  const auto doubled = std::ranges::count_if(value, begins_two_units);
  return value.size() - static_cast<std::size_t>(continued) + static_cast<std::size_t>(doubled);
}

std::string quoted(const std::string& value) {
  std::size_t size = std::min(value.size(), kMaxEchoBytes);
  while (size > 0 && size < value.size() && continues_character(value[size])) --size;
  return " '" + value.substr(0, size) + "'";
}

}  // namespace

Validation& Validation::length(std::string_view path, const std::string& value, std::size_t min,
                               std::size_t max) {
  const std::size_t size = characters(value);
  if (size < min)
    fail(path, quoted(value), "Member must have length greater than or equal to " + std::to_string(min));
  if (size > max)
    fail(path, quoted(value), "Member must have length less than or equal to " + std::to_string(max));
  return *this;
}

Validation& Validation::blob(std::string_view path, ByteSpan value, std::size_t max) {
  if (value.empty()) fail(path, "", "Member must have length greater than or equal to 1");
  if (value.size() > max)
    fail(path, "", "Member must have length less than or equal to " + std::to_string(max));
  return *this;
}

Validation& Validation::range(std::string_view path, std::optional<std::int64_t> value, std::int64_t min,
                              std::int64_t max) {
  if (!value) return *this;
  if (*value < min)
    fail(path, quoted(std::to_string(*value)),
         "Member must have value greater than or equal to " + std::to_string(min));
  if (*value > max)
    fail(path, quoted(std::to_string(*value)),
         "Member must have value less than or equal to " + std::to_string(max));
  return *this;
}

Validation& Validation::one_of(std::string_view path, const std::optional<std::string>& value,
                               std::initializer_list<std::string_view> allowed) {
  if (!value || std::ranges::find(allowed, *value) != allowed.end()) return *this;
  std::string set;
  for (std::string_view name : allowed) set.append(set.empty() ? "" : ", ").append(name);
  fail(path, quoted(*value), "Member must satisfy enum value set: [" + set + "]");
  return *this;
}

Validation& Validation::count(std::string_view path, std::size_t members, std::size_t max) {
  if (members > max) fail(path, "", "Member must have length less than or equal to " + std::to_string(max));
  return *this;
}

Validation& Validation::pattern(std::string_view path, const std::string& value, bool matches,
                                std::string_view expression) {
  if (!matches)
    fail(path, quoted(value), "Member must satisfy regular expression pattern: " + std::string(expression));
  return *this;
}

void Validation::fail(std::string_view path, const std::string& quoted_value, const std::string& constraint) {
  constexpr int kMostFailures = 100;  // an answer must not outgrow its request
  if (count_ >= kMostFailures) return;
  failures_.append(count_ == 0 ? "" : "; ").append("Value").append(quoted_value).append(" at '").append(path);
  failures_.append("' failed to satisfy constraint: ").append(constraint);
  ++count_;
}

Result<void> Validation::result() const {
  if (count_ == 0) return {};
  return make_error(Errc::kKmsValidation, std::to_string(count_) + " validation error" +
                                              (count_ == 1 ? "" : "s") + " detected: " + failures_);
}

}  // namespace enfold
