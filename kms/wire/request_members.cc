#include "kms/wire/request_members.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <limits>

#include "kms/wire/base64.h"

namespace enfold {
namespace {

namespace json = boost::json;

// AWS's words for a value where another type is wanted.
std::string type_complaint(const json::value& value, std::string_view wanted) {
  std::string what;
  switch (value.kind()) {
    case json::kind::object:
      return "Start of structure or map found where not expected.";
    case json::kind::array:
      return "Start of list found where not expected";
    case json::kind::string:
      what = "STRING_VALUE";
      break;
    case json::kind::bool_:
      what = value.get_bool() ? "TRUE_VALUE" : "FALSE_VALUE";
      break;
    case json::kind::null:
      what = "NULL_VALUE";
      break;
    default:
      what = "NUMBER_VALUE";
  }
  return what.append(" can not be converted to ").append(wanted);
}

// 5.0 is an integer, as for AWS's parser.
std::optional<std::int64_t> integer_of(const json::value& value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (value.is_int64()) return value.get_int64();
  if (value.is_double() && std::abs(value.get_double()) <= kExact &&
      std::trunc(value.get_double()) == value.get_double())
    return static_cast<std::int64_t>(value.get_double());
  return std::nullopt;
}

}  // namespace

AwsResult<void> RequestFaults::check() const {
  if (malformed) return std::unexpected(*malformed);
  if (unsupported) return std::unexpected(*unsupported);
  if (missing.empty()) return {};
  std::string text =
      std::to_string(missing.size()) + " validation error" + (missing.size() == 1 ? "" : "s") + " detected: ";
  for (const std::string& path : missing)
    text.append(&path == &missing.front() ? "" : "; ")
        .append("Value null at '")
        .append(path)
        .append("' failed to satisfy constraint: Member must not be null");
  return aws_error("ValidationException", std::move(text));
}

std::string RequestMembers::path_of(std::string_view name) const {
  std::string path = path_;
  path.append(name);
  char& first = path[path_.size()];
  if (first >= 'A' && first <= 'Z') first = static_cast<char>(first - 'A' + 'a');
  return path;
}

const json::value* RequestMembers::find(std::string_view name) const {
  const json::value* value = object_.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

const json::value* RequestMembers::require(std::string_view name) {
  const json::value* value = find(name);
  constexpr std::size_t kMostMissing = 100;
  if (value == nullptr && faults_.missing.size() < kMostMissing) faults_.missing.push_back(path_of(name));
  return value;
}

void RequestMembers::malformed(const json::value& value, std::string_view wanted) {
  if (!faults_.malformed)
    faults_.malformed = AwsError{.type = "SerializationException", .message = type_complaint(value, wanted)};
}

std::optional<std::string> RequestMembers::text_of(const json::value* value) {
  if (value == nullptr) return std::nullopt;
  if (const json::string* text = value->if_string()) return std::string(text->data(), text->size());
  malformed(*value, "a String");
  return std::nullopt;
}

std::string RequestMembers::text(std::string_view name) { return text_of(require(name)).value_or(""); }

std::optional<std::string> RequestMembers::optional_text(std::string_view name) {
  return text_of(find(name));
}

WipedBytes RequestMembers::blob(std::string_view name) {
  const json::value* value = require(name);
  if (value == nullptr) return {};
  const json::string* text = value->if_string();
  if (text == nullptr) {
    malformed(*value, "a Blob");
    return {};
  }
  if (const auto size = decoded_base64_size(*text)) {
    WipedBytes bytes(*size);
    if (decode_base64(*text, bytes.expose_mutable())) return bytes;
  }
  if (!faults_.malformed)
    faults_.malformed = AwsError{.type = "SerializationException",
                                 .message = "The value of " + path_of(name) + " is not base64"};
  return {};
}

std::optional<std::int64_t> RequestMembers::optional_integer(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto number = integer_of(*value);
  if (!number) malformed(*value, "an Integer");
  return number;
}

bool RequestMembers::flag(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  if (!value->is_bool()) malformed(*value, "a Boolean");
  return value->is_bool() && value->get_bool();
}

EncryptionContext RequestMembers::context(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return {};
  const json::object* map = value->if_object();
  if (map == nullptr) {
    malformed(*value, "a Map");
    return {};
  }
  EncryptionContext out;
  for (const auto& pair : *map) {
    const json::string* text = pair.value().if_string();
    if (text == nullptr)
      malformed(pair.value(), "a String");
    else
      out.emplace(std::string(pair.key()), std::string(text->data(), text->size()));
  }
  return out;
}

const json::array* RequestMembers::list(std::string_view name, bool required) {
  const json::value* value = required ? require(name) : find(name);
  if (value == nullptr) return nullptr;
  if (const json::array* array = value->if_array()) return array;
  malformed(*value, "a List");
  return nullptr;
}

std::vector<std::string> RequestMembers::texts(std::string_view name) {
  std::vector<std::string> out;
  if (const json::array* array = list(name, false))
    for (const json::value& value : *array) out.push_back(text_of(&value).value_or(""));
  return out;
}

std::vector<std::string> RequestMembers::required_texts(std::string_view name) {
  require(name);
  return texts(name);
}

std::vector<std::uint32_t> RequestMembers::unix_ids(std::string_view name) {
  std::vector<std::uint32_t> out;
  const json::array* array = list(name, false);
  if (array == nullptr) return out;
  for (const json::value& value : *array) {
    const auto id = integer_of(value);
    if (id && *id >= 0 && *id <= std::numeric_limits<std::uint32_t>::max())
      out.push_back(static_cast<std::uint32_t>(*id));
    else
      malformed(value, "a Unix id");
  }
  return out;
}

std::vector<RequestMembers::Entry> RequestMembers::entries(std::string_view name) {
  std::vector<Entry> out;
  const json::array* array = list(name, true);
  if (array == nullptr) return out;
  constexpr std::size_t kMost = kMaxBatchEntries + 1;  // of which the engine says that they are too many
  out.reserve(std::min(array->size(), kMost));
  for (const json::value& value : *array) {
    if (out.size() == kMost) break;
    if (const json::object* object = value.if_object())
      out.push_back({*object, path_of(name) + "." + std::to_string(out.size() + 1) + ".member."});
    else
      malformed(value, "a Structure");
  }
  return out;
}

std::vector<Tag> RequestMembers::required_tags(std::string_view name) {
  std::vector<Tag> out;
  for (const Entry& entry : entries(name)) {
    RequestMembers members(entry.object, faults_, entry.path);
    Tag& tag = out.emplace_back();
    tag.key = members.text("TagKey");
    tag.value = members.text("TagValue");
  }
  return out;
}

std::vector<Tag> RequestMembers::tags(std::string_view name) {
  return find(name) == nullptr ? std::vector<Tag>{} : required_tags(name);
}

CallOptions RequestMembers::options() {
  return {.grant_tokens = texts("GrantTokens"), .dry_run = flag("DryRun")};
}

PageRequest RequestMembers::page() {
  return {.limit = optional_integer("Limit"), .marker = optional_text("Marker")};
}

void RequestMembers::refuse(std::string_view name) {
  if (find(name) != nullptr && !faults_.unsupported)
    faults_.unsupported =
        AwsError{.type = "UnsupportedOperationException",
                 .message = "This key service does not have " + std::string(name) + " yet."};
}

void RequestMembers::refuse_flag(std::string_view name) {
  if (flag(name)) refuse(name);
}

}  // namespace enfold
