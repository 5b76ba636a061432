// enfold init: makes a volume, and where there is none yet the key store that it needs.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "fs/volume/open_volume.h"
#include "kms/client/embedded_api.h"
#include "kms/client/embedded_kms.h"
#include "kms/client/wiped_json.h"
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
  PassphraseOrigin passphrase;
};

struct KeyForVolume {
  std::shared_ptr<KmsClient> kms;
  std::string key;
  std::string advice;
  bool is_new_store = false;
};

// One key for each volume, so that disabling it concerns this volume alone.
Result<std::string> make_key(KmsApi& api, const std::string& kms_url, const VolumeId& volume) {
  const boost::json::object request{{"Description", "Enfold volume " + volume.hex()}};
  ENFOLD_TRY_ASSIGN(const boost::json::object answer, api.call("TrentService.CreateKey", "", request));
  const boost::json::object* made = object_in(answer, "KeyMetadata");
  std::string arn = made == nullptr ? std::string() : text_in(*made, "Arn");
  if (arn.empty())
    return make_error(Errc::kKmsBadAnswer, kms_url + ": the KMS made a key and does not name it");
  return arn;
}

Result<KeyForVolume> embedded_key(const std::string& directory, const InitOptions& options,
                                  const std::string& kms_url, const VolumeId& volume,
                                  ToolPassphrase& passphrase) {
  ENFOLD_TRY_ASSIGN(OpenedStore store, open_or_make_store(directory, options.root_key, passphrase));
  const std::shared_ptr<Engine> engine = std::move(store.engine);
  KeyForVolume out{make_embedded_kms(engine), options.key, backup_advice(directory), store.is_new};
  if (!out.key.empty()) return out;
  ENFOLD_TRY_ASSIGN(out.key, make_key(*make_embedded_api(engine), kms_url, volume));
  return out;
}

Result<KeyForVolume> find_or_make_key(const std::string& kms_url, const InitOptions& options,
                                      const VolumeId& volume, ToolPassphrase& passphrase) {
  if (const auto directory = embedded_directory(kms_url))
    return embedded_key(*directory, options, kms_url, volume, passphrase);
  if (!options.root_key.empty())
    return make_error(Errc::kInvalidArgument,
                      "--root-key is for an embedded store that is made; leave it away with " + kms_url);
  ENFOLD_TRY_ASSIGN(auto kms, open_kms(kms_url, passphrase));
  KeyForVolume out{std::move(kms), options.key,
                   "The key is in " + kms_url + ": where it is lost, every file of the volume is.", false};
  if (!out.key.empty()) return out;
  ENFOLD_TRY_ASSIGN(const auto api, open_kms_api(kms_url, passphrase));
  ENFOLD_TRY_ASSIGN(out.key, make_key(*api, kms_url, volume));
  return out;
}

Result<int> run_init(const InitOptions& options, bool json) {
  PosixFiles files;
  SystemEntropy entropy;
  ENFOLD_TRY(check_init_target(files, options.lower));
  ENFOLD_TRY_ASSIGN(const std::string kms_url, resolve_kms_url(options.kms));
  ToolPassphrase passphrase(options.passphrase, "passphrase of the key store");
  const VolumeId volume = VolumeId::random(entropy);
  ENFOLD_TRY_ASSIGN(const KeyForVolume found, find_or_make_key(kms_url, options, volume, passphrase));
  ENFOLD_TRY(init_volume({options.lower, kms_url, found.key, volume}, *found.kms, files, entropy));
  ENFOLD_TRY_ASSIGN(const KeyDescription key, found.kms->describe_key(found.key));
  print({{"volume", volume.hex()},
         {"lower", options.lower},
         {"kms", kms_url},
         {"key", key.key_arn},
         {"new_key_store", found.is_new_store}},
        json);
  print_line("\n" + found.advice + "\nMount the volume: enfold mount " + options.lower + " MOUNTPOINT", json);
  return kExitSuccess;
}

}  // namespace

void add_init_command(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<InitOptions>();
  CLI::App* command = app.add_subcommand("init", "Make a volume in an empty or new directory");
  command->add_option("LOWER", options->lower, "the directory that will hold what is encrypted")->required();
  command
      ->add_option(
          "--kms", options->kms,
          "the key service; an embedded store is made where there is none (default: in your data directory)")
      ->type_name(kKmsUrlForms);
  command
      ->add_option("--key", options->key,
                   "id, ARN or alias of an existing key (default: a new key for this volume)")
      ->type_name("KEY");
  command
      ->add_option("--root-key", options->root_key, "how a new store's root key is kept (default: generated)")
      ->type_name("generated|passphrase|credential:NAME");
  add_passphrase_options(*command, options->passphrase, "", "passphrase of the key store");
  command->footer(
      "Example:\n  enfold init ~/Dropbox/private\n"
      "  enfold init /srv/lower --kms embedded:/srv/keys --root-key passphrase\n"
      "  enfold init /srv/lower --kms unix:/run/enfold-kms/kms.sock");
  command->callback([options, &invocation] {
    invocation.run = [options, &invocation] { return run_init(*options, invocation.json); };
  });
}

}  // namespace enfold
