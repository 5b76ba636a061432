// Reading a request's members as AWS's parser does: null is absent, a name that no model has is ignored, a
// value of the wrong type is a SerializationException, and required members that are missing are one
// ValidationException together. Faults are collected; check() says which counts.
#pragma once

#include <boost/json/fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kms/crypto/wiped_bytes.h"
#include "kms/engine/operations.h"
#include "kms/wire/aws_error.h"

namespace enfold {

// What was wrong with a request, its nested structures included.
struct RequestFaults {
  std::optional<AwsError> malformed{};
  std::optional<AwsError> unsupported{};
  std::vector<std::string> missing{};  // paths; the first of them, for an answer must not outgrow its request

  // The first of: malformed, unsupported, missing.
  [[nodiscard]] AwsResult<void> check() const;
};

class RequestMembers {
 public:
  // Both outlive this. `path` stands in front of the members' own in messages: "tags.1.member.".
  RequestMembers(const boost::json::object& object, RequestFaults& faults, std::string path = {})
      : object_(object), faults_(faults), path_(std::move(path)) {}

  // `name` is the member's name as the model has it. A fault gives an empty value.
  std::string text(std::string_view name);  // required
  std::optional<std::string> optional_text(std::string_view name);
  WipedBytes blob(std::string_view name);  // required
  std::optional<std::int64_t> optional_integer(std::string_view name);
  bool flag(std::string_view name);  // false when absent
  EncryptionContext context(std::string_view name);
  std::vector<std::string> texts(std::string_view name);           // none when absent
  std::vector<std::string> required_texts(std::string_view name);  // as texts()
  std::vector<std::uint32_t> unix_ids(std::string_view name);
  std::vector<Tag> tags(std::string_view name);
  std::vector<Tag> required_tags(std::string_view name);
  CallOptions options();  // GrantTokens and DryRun
  PageRequest page();     // Limit and Marker

  // The structures of a required list, in order, with the path of each.
  struct Entry {
    const boost::json::object& object;
    std::string path;
  };
  std::vector<Entry> entries(std::string_view name);

  // Members that would change what the call means and that are not served.
  void refuse(std::string_view name);
  void refuse_flag(std::string_view name);  // only where it is true

 private:
  const boost::json::value* find(std::string_view name) const;
  const boost::json::value* require(std::string_view name);
  const boost::json::array* list(std::string_view name, bool required);
  std::optional<std::string> text_of(const boost::json::value* value);
  void malformed(const boost::json::value& value, std::string_view wanted);
  [[nodiscard]] std::string path_of(std::string_view name) const;

  const boost::json::object& object_;
  RequestFaults& faults_;
  std::string path_;
};

}  // namespace enfold
