#include "tools/passphrase.h"

#include <CLI/CLI.hpp>

#include "kms/crypto/hkdf.h"
#include "tools/terminal.h"

namespace enfold {
void add_passphrase_options(CLI::App& command, PassphraseOrigin& origin, const std::string& word,
                            const std::string& what) {
  auto* fd =
      command
          .add_option("--" + word + "passphrase-fd", origin.fd, "read the " + what + " from this descriptor")
          ->type_name("N");
  command.add_option("--" + word + "passphrase-file", origin.file, "read the " + what + " from this file")
      ->type_name("FILE")
      ->excludes(fd);
}

Result<WipedBytes> ToolPassphrase::read() {
  if (origin_.is_given()) return read_passphrase(origin_);
  const std::string option = "--" + word_ + "passphrase";
  ENFOLD_TRY_ASSIGN(WipedBytes first, prompt_for_secret(what_, option));
  if (!confirm_) return first;
  ENFOLD_TRY_ASSIGN(const WipedBytes second, prompt_for_secret(what_ + ", again", option));
  if (!equal_in_constant_time(first.expose(), second.expose()))
    return make_error(Errc::kInvalidArgument, "the two passphrases differ; try again");
  return first;
}

}  // namespace enfold
