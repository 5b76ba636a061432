#include "kms/client/wiped_json.h"

#include <boost/json.hpp>

#include "kms/wire/base64.h"
#include "kms/wire/kms_operations.h"

namespace enfold {
namespace {

namespace json = boost::json;

std::unexpected<Error> bad_member(std::string_view name, const std::string& why) {
  return make_error(Errc::kKmsBadAnswer, "The KMS answered " + why + " as " + std::string(name));
}

// Of its base64.
Result<std::string_view> encoded_in(const json::object& object, std::string_view name, std::size_t limit) {
  const json::value* member = object.if_contains(name);
  const json::string* text = member == nullptr ? nullptr : member->if_string();
  if (text == nullptr) return bad_member(name, "nothing");
  const std::string_view view(text->data(), text->size());
  const auto size = decoded_base64_size(view);
  if (!size) return bad_member(name, "no base64");
  if (*size == 0 || *size > limit) return bad_member(name, std::to_string(*size) + " bytes");
  return view;
}

}  // namespace

json::object wiped_object() { return json::object(wiping_storage()); }

std::optional<json::object> parse_wiped(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) return std::nullopt;
  json::parser parser(wiping_storage());
  parser.reset(wiping_storage());
  json::error_code wrong;
  parser.write(text.data(), text.size(), wrong);
  if (wrong) return std::nullopt;
  json::value value = parser.release();
  if (!value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

const json::object* object_in(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  return member == nullptr ? nullptr : member->if_object();
}

std::string text_in(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  const json::string* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

Result<Bytes> blob_in(const json::object& object, std::string_view name, std::size_t limit) {
  ENFOLD_TRY_ASSIGN(const std::string_view encoded, encoded_in(object, name, limit));
  Bytes out(decoded_base64_size(encoded).value_or(0));
  if (!decode_base64(encoded, out)) return bad_member(name, "no base64");
  return out;
}

Result<void> key_in(const json::object& object, std::string_view name, std::span<std::uint8_t, 32> out) {
  constexpr std::size_t kMaxPlaintext = 4096;
  ENFOLD_TRY_ASSIGN(const std::string_view encoded, encoded_in(object, name, kMaxPlaintext));
  const std::size_t size = decoded_base64_size(encoded).value_or(0);
  if (size != out.size())
    return make_error(Errc::kKmsBadAnswer,
                      "The KMS answered a key of " + std::to_string(size) + " bytes instead of 32");
  if (!decode_base64(encoded, out)) return bad_member(name, "no base64");
  return {};
}

void add_blob(json::object& object, std::string_view name, ByteSpan bytes) {
  json::string& text = object[name].emplace_string();
  text.resize(base64_size(bytes.size()));
  encode_base64(bytes, text.data());
}

void add_context(json::object& object, std::string_view name, const EncryptionContext& context) {
  if (context.empty()) return;
  json::object& pairs = object[name].emplace_object();
  for (const auto& [key, value] : context) pairs.emplace(key, value);
}

}  // namespace enfold
