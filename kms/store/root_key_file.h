// The bytes of root.key, format version 1 (kms/FORMAT.md): parsed and written without opening what is sealed.
#pragma once

#include <string>

#include "kms/base/bytes.h"
#include "kms/base/error.h"
#include "kms/store/root_key.h"

namespace enfold {

inline constexpr std::size_t kMaxRootKeyFileBytes = 1024;

struct RootKeyFile {
  RootKeyKind kind = RootKeyKind::kGenerated;
  ScryptCost cost;                      // passphrase
  std::array<std::uint8_t, 32> salt{};  // passphrase
  std::string credential_name;          // credential
  Bytes head;                           // everything before `body`: the associated data of a sealed key
  Bytes body;                           // the key itself (generated), or the box that holds it
};

// A file name of 1 to 255 bytes without '/', and neither "." nor "..".
bool is_credential_name(std::string_view name);

// Everything but the body.
Bytes encode_head(const RootKeyFile& file);

// kStoreTampered or kUnsupported; never reads past the content.
Result<RootKeyFile> parse_root_key_file(ByteSpan content);

}  // namespace enfold
