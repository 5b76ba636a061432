// Where passphrases come from on the command line: a descriptor, a file, or a prompt on the terminal. Never
// an argument, which every process on the machine can read.
#pragma once

#include <optional>
#include <string>

#include "kms/crypto/wiped_bytes.h"
#include "kms/store/passphrase_source.h"

namespace CLI {
class App;
}

namespace enfold {

struct PassphraseOptions {
  std::optional<int> fd;
  std::string file;
};

// Adds --passphrase-fd and --passphrase-file, with another word in front where a command takes two
// passphrases:
// --export-passphrase-fd.
void add_passphrase_options(CLI::App& command, PassphraseOptions& options, const std::string& word,
                            const std::string& what);

// Reads once, up to the first line end, and gives copies. At most 1,024 bytes.
class ToolPassphrase final : public PassphraseSource {
 public:
  // `what` is for the prompt: "passphrase of the KMS store".
  ToolPassphrase(PassphraseOptions options, std::string what)
      : options_(std::move(options)), what_(std::move(what)) {}

  // A prompt asks twice from now on: for a passphrase that is being chosen.
  void confirm() { confirm_ = true; }

  Result<Bytes> passphrase() override;

 private:
  Result<WipedBytes> ask();

  PassphraseOptions options_;
  std::string what_;
  bool confirm_ = false;
  std::optional<WipedBytes> known_;
};

}  // namespace enfold
