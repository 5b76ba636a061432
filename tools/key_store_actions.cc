// enfold key export-store, import-store: an embedded store's files.
#include <CLI/CLI.hpp>

#include "kms/store/store_admin.h"
#include "tools/key_actions.h"
#include "tools/kms_location.h"

namespace enfold {
namespace {

Result<std::string> store_of(const KeyOptions& options) {
  ENFOLD_TRY_ASSIGN(const std::string url, resolve_kms_url(options.kms.kms));
  return require_embedded(url);
}

Result<int> export_the_store(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const std::string directory, store_of(options));
  ToolPassphrase store(options.kms.passphrase, "passphrase of the key store");
  ToolPassphrase sealing(options.export_passphrase, "passphrase for the exported file", "export-");
  sealing.confirm();
  ENFOLD_TRY(export_store(directory, store, options.file, sealing));
  print({{"store", directory}, {"exported_to", options.file}}, json);
  print_line("Keep the file and its passphrase apart from this machine; enfold key import-store reads it.",
             json);
  return kExitSuccess;
}

Result<int> import_the_store(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const std::string directory, store_of(options));
  ENFOLD_TRY_ASSIGN(const RootKeyChoice choice,
                    parse_root_key_choice(options.root_key.empty() ? "generated" : options.root_key));
  ToolPassphrase sealing(options.export_passphrase, "passphrase of the exported file", "export-");
  ToolPassphrase store(options.kms.passphrase, "passphrase for the new key store");
  store.confirm();
  ENFOLD_TRY(import_store(options.file, sealing, directory, choice, store));
  print({{"store", directory}, {"imported_from", options.file}}, json);
  return kExitSuccess;
}

}  // namespace

void add_store_actions(const KeyActions& actions) {
  const auto& options = actions.options;
  CLI::App& exporting =
      actions.add("export-store", "Write a copy of an embedded store, sealed by a passphrase",
                  " /media/usb/keys.enfold", &export_the_store);
  exporting.add_option("FILE", options->file, "a new file")->required();
  add_passphrase_options(exporting, options->export_passphrase, "export-",
                         "passphrase for the exported file");
  CLI::App& importing = actions.add("import-store", "Make an embedded store from an exported copy",
                                    " /media/usb/keys.enfold", &import_the_store);
  importing.add_option("FILE", options->file, "what export-store wrote")->required();
  add_passphrase_options(importing, options->export_passphrase, "export-", "passphrase of the exported file");
  importing
      .add_option("--root-key", options->root_key,
                  "how the new store's root key is kept (default: generated)")
      ->type_name("generated|passphrase|credential:NAME");
}

}  // namespace enfold
