// Making, exporting and importing a store: a directory (0700) with the database kms.db and the root key file
// root.key (both 0600). Asks for passphrases through their sources, at most once each.
#pragma once

#include <memory>
#include <string>

#include "kms/base/entropy.h"
#include "kms/base/error.h"
#include "kms/store/root_key.h"

namespace enfold {

class Files;
class Store;

// A new, empty store. Missing parent directories are made (0700). It appears whole or not at all. kExists
// where `dir` is there and not empty.
Result<void> create_store(const std::string& dir, const RootKeyChoice& choice, PassphraseSource& passphrase);

// The same, with the caller's view of the filesystem.
Result<void> create_store(Files& files, const std::string& dir, const RootKeyChoice& choice,
                          PassphraseSource& passphrase);

// kInvalidArgument where the root key of the store is kept in another way. kStoreMissing, kStoreTampered,
// kUnsupported.
Result<void> require_root_key_choice(const std::string& dir, const RootKeyChoice& choice);

// Opens the store for the engine. `entropy` outlives it. kStoreMissing, kWrongRootKey, kStoreTampered,
// kUnsupported.
Result<std::unique_ptr<Store>> open_store(const std::string& dir, PassphraseSource& passphrase,
                                          Entropy& entropy);

// Writes every record of the store to `file` (0600), sealed under a passphrase of its own with scrypt.
// kExists where `file` is there, also when it appeared meanwhile; kLimit where no export can hold so much.
// What was written always imports. The store may be in use.
Result<void> export_store(const std::string& dir, PassphraseSource& store_passphrase, const std::string& file,
                          PassphraseSource& export_passphrase, const ScryptCost& cost = {});

// A new store at `dir`, with a root key of its own, holding what was exported. kExists where `dir` is there
// and not empty; kWrongRootKey for a wrong passphrase or a changed file; kStoreTampered where it is no
// export.
Result<void> import_store(const std::string& file, PassphraseSource& export_passphrase,
                          const std::string& dir, const RootKeyChoice& choice,
                          PassphraseSource& store_passphrase);

}  // namespace enfold
