// Where passphrases come from on the command line: a descriptor, a file, or a prompt on the terminal. Never
// an argument, which every process on the machine can read.
#pragma once

#include <string>

#include "kms/store/passphrase_origin.h"

namespace CLI {
class App;
}

namespace enfold {

// Adds --passphrase-fd and --passphrase-file, with another word in front where a command takes two
// passphrases:
// --export-passphrase-fd.
void add_passphrase_options(CLI::App& command, PassphraseOrigin& origin, const std::string& word,
                            const std::string& what);

class ToolPassphrase final : public ReadOncePassphrase {
 public:
  // `what` is for the prompt: "passphrase of the KMS store"; `word` is that of the options that give it.
  ToolPassphrase(PassphraseOrigin origin, std::string what, std::string word = "")
      : origin_(std::move(origin)), what_(std::move(what)), word_(std::move(word)) {}

  // A prompt asks twice from now on: for a passphrase that is being chosen.
  void confirm() { confirm_ = true; }

 private:
  Result<WipedBytes> read() override;

  PassphraseOrigin origin_;
  std::string what_;
  std::string word_;
  bool confirm_ = false;
};

}  // namespace enfold
