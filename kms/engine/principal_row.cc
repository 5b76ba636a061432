#include "kms/engine/principal_row.h"

#include "kms/engine/stored_row.h"

namespace enfold {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kResource = ":user/";
constexpr std::size_t kFixedBytes = 1 + 8 + 2 + 1;
constexpr std::size_t kKeyBytes = kAccessKeyIdBytes + 8 + AccessKeySecret::kSize;

void put_key(ByteWriter& writer, const AccessKey& key) {
  writer.bytes(as_bytes(key.id));
  writer.u64(static_cast<std::uint64_t>(key.creation_unix_ms));
  writer.bytes(key.secret.expose());
}

AccessKey take_key(ByteReader& reader) {
  AccessKey key;
  key.id = as_string(reader.bytes(kAccessKeyIdBytes));
  key.creation_unix_ms = static_cast<std::int64_t>(reader.u64());
  std::ranges::copy(reader.bytes(AccessKeySecret::kSize), key.secret.expose_mutable().begin());
  return key;
}

bool take_name(const RowId& id, Principal& principal) {
  const std::string text = as_string(id.id);
  const std::size_t end = text.find(kResource);
  if (end == std::string::npos) return false;
  principal.account = text.substr(0, end);
  principal.name = text.substr(end + kResource.size());
  return true;
}

bool is_ascending(const std::vector<std::uint32_t>& ids) {
  return std::ranges::adjacent_find(ids, std::ranges::greater_equal()) == ids.end();
}

}  // namespace

RowId principal_row(const std::string& account, const std::string& name) {
  const std::string text = account + std::string(kResource) + name;
  return {RowKind::kPrincipal, Bytes(text.begin(), text.end())};
}

WipedBytes encode_principal(const Principal& principal) {
  WipedBytes out(kFixedBytes + 4 * principal.unix_ids.size() + kKeyBytes * principal.access_keys.size());
  ByteWriter writer(out.expose_mutable());
  writer.u8(kVersion);
  writer.u64(static_cast<std::uint64_t>(principal.creation_unix_ms));
  writer.u16(static_cast<std::uint16_t>(principal.unix_ids.size()));
  for (std::uint32_t id : principal.unix_ids) writer.u32(id);
  writer.u8(static_cast<std::uint8_t>(principal.access_keys.size()));
  for (const AccessKey& key : principal.access_keys) put_key(writer, key);
  return out;
}

Result<Principal> decode_principal(const RowId& id, ByteSpan content) {
  ByteReader reader(content);
  if (std::uint8_t version = reader.u8(); reader.ok() && version != kVersion)
    return unknown_row_version(id, version);
  Principal principal;
  principal.creation_unix_ms = static_cast<std::int64_t>(reader.u64());
  for (std::uint16_t left = reader.u16(); left > 0 && reader.ok(); --left)
    principal.unix_ids.push_back(reader.u32());
  for (std::uint8_t left = reader.u8(); left > 0 && reader.ok(); --left)
    principal.access_keys.push_back(take_key(reader));
  if (!reader.ok() || reader.remaining() != 0 || !take_name(id, principal) ||
      !is_ascending(principal.unix_ids))
    return malformed_row(id);
  return principal;
}

std::string principal_arn(const std::string& account, const std::string& name) {
  return "arn:aws:iam::" + account + std::string(kResource) + name;
}

PrincipalInfo info_of(const Principal& principal) {
  PrincipalInfo out{.account = principal.account,
                    .name = principal.name,
                    .arn = principal_arn(principal.account, principal.name),
                    .creation_unix_ms = principal.creation_unix_ms,
                    .unix_ids = principal.unix_ids,
                    .access_keys = {}};
  for (const AccessKey& key : principal.access_keys) out.access_keys.push_back(key.id);
  return out;
}

}  // namespace enfold
