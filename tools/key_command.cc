// enfold key: the keys of an embedded store, and the store as a whole.
#include <CLI/CLI.hpp>
#include <array>
#include <ctime>

#include "kms/engine/arn.h"
#include "kms/engine/engine.h"
#include "kms/store/store_admin.h"
#include "tools/commands.h"
#include "tools/key_store.h"
#include "tools/kms_location.h"
#include "tools/output.h"
#include "tools/passphrase.h"

namespace enfold {
namespace {

struct KeyOptions {
  std::string kms;
  std::string key;
  std::string description;
  std::string file;
  std::string root_key;
  PassphraseOptions passphrase;
  PassphraseOptions export_passphrase;
};

std::string date_of(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts{};
  std::array<char, 32> text{};
  if (::gmtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
    return {};
  return text.data();
}

Fields fields_of(const KeyMetadata& key) {
  return {{"arn", key.arn},
          {"id", key.key_id},
          {"state", name_of(key.state)},
          {"description", key.description},
          {"created", date_of(key.creation_unix_ms)},
          {"material", key.current_material_id},
          {"materials", std::uint64_t{key.all_material_ids.size()}}};
}

// An ARN is looked for in its own region and account, an id in the store's own.
CallScope scope_of(const std::string& key) {
  const auto arn = parse_arn(key);
  return arn ? arn->scope : local_scope();
}

Result<std::unique_ptr<Engine>> open_engine(const KeyOptions& options) {
  ENFOLD_TRY_ASSIGN(const std::string url, resolve_kms_url(options.kms));
  ENFOLD_TRY_ASSIGN(const std::string directory, require_embedded(url));
  ToolPassphrase passphrase(options.passphrase, "passphrase of the key store");
  return open_embedded_engine(directory, passphrase);
}

Result<int> show_key(Engine& engine, const std::string& key, bool json) {
  ENFOLD_TRY_ASSIGN(const KeyMetadata found, engine.describe_key(scope_of(key), key));
  print(fields_of(found), json);
  return kExitSuccess;
}

// Only who says how its root key is to be kept wants a new store; else the path may be a slip.
Result<OpenedStore> open_store_for_new_key(const KeyOptions& options, bool json) {
  if (options.root_key.empty()) {
    ENFOLD_TRY_ASSIGN(auto engine, open_engine(options));
    return OpenedStore{std::move(engine), false};
  }
  ENFOLD_TRY_ASSIGN(const std::string url, resolve_kms_url(options.kms));
  ENFOLD_TRY_ASSIGN(const std::string directory, require_embedded(url));
  ToolPassphrase passphrase(options.passphrase, "passphrase of the key store");
  ENFOLD_TRY_ASSIGN(OpenedStore store, open_or_make_store(directory, options.root_key, passphrase));
  print_line(backup_advice(directory) + "\n", json);
  return store;
}

Result<int> create(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const OpenedStore store, open_store_for_new_key(options, json));
  ENFOLD_TRY_ASSIGN(const KeyMetadata made, store.engine->create_key(local_scope(), {options.description}));
  Fields fields = fields_of(made);
  fields.push_back({"new_key_store", store.is_new});
  print(fields, json);
  return kExitSuccess;
}

Result<int> list(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const auto engine, open_engine(options));
  std::vector<Fields> keys;
  ListKeysRequest request;
  for (;;) {
    ENFOLD_TRY_ASSIGN(const ListKeysAnswer answer, engine->list_keys(local_scope(), request));
    for (const KeyListEntry& entry : answer.keys) {
      ENFOLD_TRY_ASSIGN(const KeyMetadata key, engine->describe_key(local_scope(), entry.key_id));
      keys.push_back(fields_of(key));
    }
    if (!answer.truncated) break;
    request.marker = answer.next_marker;
  }
  if (keys.empty()) print_line("The store holds no key.", json);
  print({{json ? "keys" : "key", std::move(keys)}}, json);
  return kExitSuccess;
}

Result<int> describe_one(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const auto engine, open_engine(options));
  return show_key(*engine, options.key, json);
}

Result<int> enable(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const auto engine, open_engine(options));
  ENFOLD_TRY(engine->enable_key(scope_of(options.key), options.key));
  return show_key(*engine, options.key, json);
}

Result<int> disable(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const auto engine, open_engine(options));
  ENFOLD_TRY(engine->disable_key(scope_of(options.key), options.key));
  return show_key(*engine, options.key, json);
}

Result<int> rotate(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const auto engine, open_engine(options));
  ENFOLD_TRY(engine->rotate_key_on_demand(scope_of(options.key), options.key));
  return show_key(*engine, options.key, json);
}

Result<int> export_the_store(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const std::string url, resolve_kms_url(options.kms));
  ENFOLD_TRY_ASSIGN(const std::string directory, require_embedded(url));
  ToolPassphrase store(options.passphrase, "passphrase of the key store");
  ToolPassphrase sealing(options.export_passphrase, "passphrase for the exported file");
  sealing.confirm();
  ENFOLD_TRY(export_store(directory, store, options.file, sealing));
  print({{"store", directory}, {"exported_to", options.file}}, json);
  print_line("Keep the file and its passphrase apart from this machine; enfold key import-store reads it.",
             json);
  return kExitSuccess;
}

Result<int> import_the_store(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const std::string url, resolve_kms_url(options.kms));
  ENFOLD_TRY_ASSIGN(const std::string directory, require_embedded(url));
  ENFOLD_TRY_ASSIGN(const RootKeyChoice choice,
                    parse_root_key_choice(options.root_key.empty() ? "generated" : options.root_key));
  ToolPassphrase sealing(options.export_passphrase, "passphrase of the exported file");
  ToolPassphrase store(options.passphrase, "passphrase for the new key store");
  store.confirm();
  ENFOLD_TRY(import_store(options.file, sealing, directory, choice, store));
  print({{"store", directory}, {"imported_from", options.file}}, json);
  return kExitSuccess;
}

using Action = Result<int> (*)(const KeyOptions&, bool json);

// Adds `enfold key NAME`; returns it for the options that are its own.
CLI::App& add(CLI::App& group, Invocation& invocation, const std::shared_ptr<KeyOptions>& options,
              const std::string& name, const std::string& what, const std::string& example, Action action) {
  CLI::App* command = group.add_subcommand(name, what);
  command->add_option("--kms", options->kms, "the key store (default: the one in your data directory)")
      ->type_name("embedded:DIR");
  add_passphrase_options(*command, options->passphrase, "", "passphrase of the key store");
  command->footer("Example:\n  enfold key " + example);
  command->callback([options, action, name, &invocation] {
    invocation.name = "key " + name;
    invocation.run = [options, action, &invocation] { return action(*options, invocation.json); };
  });
  return *command;
}

constexpr const char* kSomeKey = "0f6c1b1e-2f5a-4c43-9d0a-3c0f2f1f7a55";

void add_actions_on_one_key(CLI::App& group, Invocation& invocation,
                            const std::shared_ptr<KeyOptions>& options) {
  const auto add_one = [&](const std::string& name, const std::string& what, Action action) {
    add(group, invocation, options, name, what, name + " " + kSomeKey, action)
        .add_option("KEY", options->key, "the key's id or ARN")
        ->required();
  };
  add_one("describe", "Show a key", &describe_one);
  add_one("enable", "Let a disabled key be used again", &enable);
  add_one("disable", "Forbid a key's use; mounts lose it when their cached keys run out", &disable);
  add_one("rotate", "Give a key new material for new files; old files still open", &rotate);
}

void add_store_actions(CLI::App& group, Invocation& invocation, const std::shared_ptr<KeyOptions>& options) {
  CLI::App& exporting =
      add(group, invocation, options, "export-store", "Write a copy of the store, sealed by a passphrase",
          "export-store /media/usb/keys.enfold", &export_the_store);
  exporting.add_option("FILE", options->file, "a new file")->required();
  add_passphrase_options(exporting, options->export_passphrase, "export-",
                         "passphrase for the exported file");
  CLI::App& importing = add(group, invocation, options, "import-store", "Make a store from an exported copy",
                            "import-store /media/usb/keys.enfold", &import_the_store);
  importing.add_option("FILE", options->file, "what export-store wrote")->required();
  add_passphrase_options(importing, options->export_passphrase, "export-", "passphrase of the exported file");
  importing
      .add_option("--root-key", options->root_key,
                  "how the new store's root key is kept (default: generated)")
      ->type_name("generated|passphrase|credential:NAME");
}

}  // namespace

void add_key_commands(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<KeyOptions>();
  CLI::App* group = app.add_subcommand("key", "Keys of an embedded key store, and the store itself");
  group->require_subcommand(1);
  group->footer("Example:\n  enfold key list");
  CLI::App& creating =
      add(*group, invocation, options, "create", "Make a key, and with --root-key a store for it",
          "create --description 'the holiday photographs'", &create);
  creating.add_option("--description", options->description, "a note for people")->type_name("TEXT");
  creating
      .add_option("--root-key", options->root_key, "how a new store's root key is kept (default: generated)")
      ->type_name("generated|passphrase|credential:NAME");
  add(*group, invocation, options, "list", "Show all keys", "list --kms embedded:/srv/keys", &list);
  add_actions_on_one_key(*group, invocation, options);
  add_store_actions(*group, invocation, options);
}

}  // namespace enfold
