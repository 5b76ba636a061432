// enfold-kmsd from its options to its end.
#pragma once

#include <string>
#include <vector>

#include "kms/base/error.h"
#include "kms/store/passphrase_origin.h"

namespace enfold {

struct DaemonOptions {
  std::string data;                 // the store's directory
  std::vector<std::string> listen;  // listen_address.h
  std::string region = "local";     // of calls over the Unix socket that name none
  std::string root_key;             // of a store that is made; empty: generated
  PassphraseOrigin passphrase;
};

// Serves until a signal ends it. Its error is why it could not start, or what it found while it served
// (kStoreTampered).
Result<void> run_daemon(const DaemonOptions& options);

}  // namespace enfold
