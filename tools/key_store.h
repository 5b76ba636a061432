// An embedded key store, made where there is none.
#pragma once

#include <memory>
#include <string>

#include "kms/engine/engine.h"
#include "tools/passphrase.h"

namespace enfold {

struct OpenedStore {
  std::unique_ptr<Engine> engine;
  bool is_new = false;
};

// `root_key` is what create_store() takes, and empty for the default; kInvalidArgument where it is given and
// the store is there already.
Result<OpenedStore> open_or_make_store(const std::string& directory, const std::string& root_key,
                                       ToolPassphrase& passphrase);

// What to tell the user of a store that is new: who loses it loses every file under its keys.
std::string backup_advice(const std::string& directory);

}  // namespace enfold
