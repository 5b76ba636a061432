// The root key of a store and how it is kept outside the database, in the file root.key (kms/FORMAT.md).
#pragma once

#include <string>
#include <string_view>

#include "kms/base/entropy.h"
#include "kms/base/error.h"
#include "kms/base/secret.h"
#include "kms/crypto/scrypt.h"
#include "kms/store/passphrase_source.h"

namespace enfold {

enum class RootKeyKind : std::uint8_t {
  kGenerated = 1,   // the key itself, in a file of mode 0600
  kPassphrase = 2,  // sealed under scrypt(passphrase)
  kCredential = 3,  // sealed under a systemd credential: $CREDENTIALS_DIRECTORY/NAME, 32 to 4,096 bytes
};

struct RootKeyChoice {
  RootKeyKind kind = RootKeyKind::kGenerated;
  std::string credential_name;  // only with kCredential
  ScryptCost cost;              // only with kPassphrase
};

// "generated", "passphrase" or "credential:NAME"; kInvalidArgument says which these are.
Result<RootKeyChoice> parse_root_key_choice(std::string_view text);
std::string text_of(const RootKeyChoice& choice);

// The content of root.key that keeps `key` as chosen. Asks for the passphrase only where one is chosen; an
// empty one is kInvalidArgument.
Result<Bytes> protect_root_key(const RootKey& key, const RootKeyChoice& choice, PassphraseSource& passphrase,
                               Entropy& entropy);

// The key that the content of a root.key keeps. kWrongRootKey: the passphrase or credential does not open it.
// kStoreTampered: not a root key file. kUnsupported: of a newer version. kNotFound: no such credential here.
Result<RootKey> recover_root_key(ByteSpan content, PassphraseSource& passphrase);

}  // namespace enfold
