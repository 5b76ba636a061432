// enfold init: makes a volume, and where there is none yet the key store that it needs.
#include <CLI/CLI.hpp>
#include <cerrno>

#include "fs/volume/open_volume.h"
#include "kms/client/embedded_kms.h"
#include "tools/commands.h"
#include "tools/key_store.h"
#include "tools/kms_location.h"
#include "tools/output.h"
#include "tools/passphrase.h"

namespace enfold {
namespace {

struct InitOptions {
  std::string lower;
  std::string kms;
  std::string key;
  std::string root_key;
  PassphraseOptions passphrase;
};

struct KeyInStore {
  std::shared_ptr<KmsClient> kms;
  std::string key;
  std::string directory;
  bool is_new_store = false;
};

// One key for each volume, so that disabling it concerns this volume alone.
Result<KeyInStore> find_or_make_key(const std::string& kms_url, const InitOptions& options,
                                    const VolumeId& volume, ToolPassphrase& passphrase) {
  ENFOLD_TRY_ASSIGN(const std::string directory, require_embedded(kms_url));
  ENFOLD_TRY_ASSIGN(OpenedStore store, open_or_make_store(directory, options.root_key, passphrase));
  const std::shared_ptr<Engine> engine = std::move(store.engine);
  KeyInStore out{make_embedded_kms(engine), options.key, directory, store.is_new};
  if (!out.key.empty()) return out;
  ENFOLD_TRY_ASSIGN(const KeyMetadata made,
                    engine->create_key(local_scope(), {"Enfold volume " + volume.hex()}));
  out.key = made.arn;
  return out;
}

Result<int> run_init(const InitOptions& options, bool json) {
  PosixFiles files;
  SystemEntropy entropy;
  ENFOLD_TRY(check_init_target(files, options.lower));
  ENFOLD_TRY_ASSIGN(const std::string kms_url, resolve_kms_url(options.kms));
  ToolPassphrase passphrase(options.passphrase, "passphrase of the key store");
  const VolumeId volume = VolumeId::random(entropy);
  ENFOLD_TRY_ASSIGN(const KeyInStore found, find_or_make_key(kms_url, options, volume, passphrase));
  ENFOLD_TRY(init_volume({options.lower, kms_url, found.key, volume}, *found.kms, files, entropy));
  ENFOLD_TRY_ASSIGN(const KeyDescription key, found.kms->describe_key(found.key));
  print({{"volume", volume.hex()},
         {"lower", options.lower},
         {"kms", kms_url},
         {"key", key.key_arn},
         {"new_key_store", found.is_new_store}},
        json);
  print_line("\n" + backup_advice(found.directory) + "\nMount the volume: enfold mount " + options.lower +
                 " MOUNTPOINT",
             json);
  return kExitSuccess;
}

}  // namespace

void add_init_command(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<InitOptions>();
  CLI::App* command = app.add_subcommand("init", "Make a volume in an empty or new directory");
  command->add_option("LOWER", options->lower, "the directory that will hold what is encrypted")->required();
  command
      ->add_option("--kms", options->kms,
                   "the key store, made where there is none (default: in your data directory)")
      ->type_name("embedded:DIR");
  command
      ->add_option("--key", options->key, "id or ARN of an existing key (default: a new key for this volume)")
      ->type_name("KEY");
  command
      ->add_option("--root-key", options->root_key, "how a new store's root key is kept (default: generated)")
      ->type_name("generated|passphrase|credential:NAME");
  add_passphrase_options(*command, options->passphrase, "", "passphrase of the key store");
  command->footer(
      "Example:\n  enfold init ~/Dropbox/private\n"
      "  enfold init /srv/lower --kms embedded:/srv/keys --root-key passphrase");
  command->callback([options, &invocation] {
    invocation.run = [options, &invocation] { return run_init(*options, invocation.json); };
  });
}

}  // namespace enfold
