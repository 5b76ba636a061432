#include "kms/wire/answer_members.h"

#include <boost/json.hpp>

#include "kms/wire/base64.h"
#include "kms/wire/quote.h"

namespace enfold {
namespace {

namespace json = boost::json;

constexpr double kMsPerSecond = 1000.0;

}  // namespace

void put_text(json::object& out, std::string_view name, std::string_view value) {
  out.emplace(name, json::string(value, out.storage()));
}

void put_blob(json::object& out, std::string_view name, ByteSpan value) {
  const std::size_t size = base64_size(value.size());
  json::string& text = out[name].emplace_string();
  text.reserve(size);
  encode_base64(value, text.data());
  text.grow(size);
}

void put_date(json::object& out, std::string_view name, std::int64_t unix_ms) {
  out.emplace(name, static_cast<double>(unix_ms) / kMsPerSecond);
}

void put_flag(json::object& out, std::string_view name, bool value) { out.emplace(name, value); }

void put_integer(json::object& out, std::string_view name, std::int64_t value) { out.emplace(name, value); }

json::array& put_list(json::object& out, std::string_view name) { return out[name].emplace_array(); }

json::object& put_structure(json::array& list) { return list.emplace_back(json::object_kind).get_object(); }

void put_page(json::object& out, bool truncated, std::string_view next_marker) {
  put_flag(out, "Truncated", truncated);
  if (truncated) put_text(out, "NextMarker", next_marker);
}

void put_metadata(json::object& out, const KeyMetadata& metadata) {
  json::object& key = out["KeyMetadata"].emplace_object();
  put_text(key, "AWSAccountId", metadata.scope.account);
  put_text(key, "KeyId", metadata.key_id);
  put_text(key, "Arn", metadata.arn);
  put_date(key, "CreationDate", metadata.creation_unix_ms);
  put_flag(key, "Enabled", metadata.state == KeyState::kEnabled);
  put_text(key, "Description", metadata.description);
  put_text(key, "KeyUsage", "ENCRYPT_DECRYPT");
  put_text(key, "KeyState", name_of(metadata.state));
  if (metadata.deletion_unix_ms) put_date(key, "DeletionDate", *metadata.deletion_unix_ms);
  put_text(key, "Origin", "AWS_KMS");
  put_text(key, "KeyManager", metadata.manager == KeyManager::kAws ? "AWS" : "CUSTOMER");
  put_text(key, "CustomerMasterKeySpec", "SYMMETRIC_DEFAULT");
  put_text(key, "KeySpec", "SYMMETRIC_DEFAULT");
  put_list(key, "EncryptionAlgorithms").emplace_back("SYMMETRIC_DEFAULT");
  put_flag(key, "MultiRegion", false);
  put_text(key, "CurrentKeyMaterialId", metadata.current_material_id);
}

void put_error(json::object& out, const AwsError& error) {
  put_text(out, "__type", error.type);
  if (!error.message.empty()) put_text(out, "message", valid_utf8(error.message));
}

}  // namespace enfold
