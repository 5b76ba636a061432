// A principal as the engine holds it, and its row in the store (kms/FORMAT.md, "Principal row").
#pragma once

#include <string>
#include <vector>

#include "kms/base/error.h"
#include "kms/crypto/wiped_bytes.h"
#include "kms/engine/principals.h"
#include "kms/store/row_id.h"

namespace enfold {

inline constexpr std::size_t kAccessKeyIdBytes = 20;
inline constexpr std::size_t kMaxAccessKeys = 2;  // of one principal, as in IAM
inline constexpr std::size_t kMaxUnixIds = 1000;

struct AccessKey {
  std::string id;  // kAccessKeyIdBytes characters
  std::int64_t creation_unix_ms = 0;
  AccessKeySecret secret;
};

struct Principal {
  std::string account;
  std::string name;
  std::int64_t creation_unix_ms = 0;
  std::vector<std::uint32_t> unix_ids;  // ascending, each once
  std::vector<AccessKey> access_keys;   // oldest first
};

RowId principal_row(const std::string& account, const std::string& name);

WipedBytes encode_principal(const Principal& principal);

// kStoreTampered where it is malformed, kUnsupported for a newer version.
Result<Principal> decode_principal(const RowId& id, ByteSpan content);

PrincipalInfo info_of(const Principal& principal);
std::string principal_arn(const std::string& account, const std::string& name);

}  // namespace enfold
