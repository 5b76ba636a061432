#include "kms/engine/alias_row.h"

#include "kms/engine/arn.h"
#include "kms/engine/stored_row.h"

namespace enfold {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kRowBytes = 1 + 16 + 8 + 8;
constexpr std::string_view kPrefix = "alias/";
constexpr std::string_view kAwsPrefix = "alias/aws/";

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// REGION:ACCOUNT:alias/NAME
bool take_name(const RowId& id, Alias& alias) {
  const std::string text = as_string(id.id);
  const std::size_t region_end = text.find(':');
  const std::size_t account_end = text.find(':', region_end + 1);
  if (region_end == std::string::npos || account_end == std::string::npos) return false;
  alias.scope = {text.substr(0, region_end), text.substr(region_end + 1, account_end - region_end - 1)};
  alias.name = text.substr(account_end + 1);
  return alias.name.starts_with(kPrefix);
}

}  // namespace

RowId alias_row(const CallScope& scope, const std::string& name) {
  const std::string text = scope.region + ":" + scope.account + ":" + name;
  return {RowKind::kAlias, Bytes(text.begin(), text.end())};
}

WipedBytes encode_alias(const Alias& alias) {
  WipedBytes out(kRowBytes);
  ByteWriter writer(out.expose_mutable());
  writer.u8(kVersion);
  writer.bytes(alias.target);
  writer.u64(static_cast<std::uint64_t>(alias.creation_unix_ms));
  writer.u64(static_cast<std::uint64_t>(alias.last_updated_unix_ms));
  return out;
}

Result<Alias> decode_alias(const RowId& id, ByteSpan content) {
  ByteReader reader(content);
  if (std::uint8_t version = reader.u8(); reader.ok() && version != kVersion)
    return unknown_row_version(id, version);
  Alias alias;
  alias.target = reader.array<16>();
  alias.creation_unix_ms = static_cast<std::int64_t>(reader.u64());
  alias.last_updated_unix_ms = static_cast<std::int64_t>(reader.u64());
  if (!reader.ok() || reader.remaining() != 0 || !take_name(id, alias)) return malformed_row(id);
  return alias;
}

AliasEntry entry_of(const Alias& alias) {
  return {.name = alias.name,
          .arn = alias_arn(alias.scope, alias.name),
          .target_key_id = uuid_text(alias.target),
          .creation_unix_ms = alias.creation_unix_ms,
          .last_updated_unix_ms = alias.last_updated_unix_ms};
}

void validate_alias_name(Validation& validation, const std::string& name) {
  const bool matches = !name.empty() && std::ranges::all_of(name, [](char c) {
    return is_letter_or_digit(c) || c == ':' || c == '/' || c == '_' || c == '-';
  });
  validation.length("aliasName", name, 1, 256).pattern("aliasName", name, matches, "^[a-zA-Z0-9:/_-]+$");
}

Result<void> require_customer_alias(const std::string& name) {
  if (!name.starts_with(kPrefix) || name.size() == kPrefix.size())
    return make_error(Errc::kKmsValidation,
                      "Alias must start with the prefix \"alias/\". Please see "
                      "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html");
  if (name.find(':') != std::string::npos)
    return make_error(Errc::kKmsValidation, name + " contains invalid characters for an alias");
  if (name.starts_with(kAwsPrefix))
    return make_error(Errc::kKmsInvalidAliasName, name + " is reserved: aliases in alias/aws/ are AWS's own");
  return {};
}

}  // namespace enfold
