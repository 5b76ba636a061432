// enfold key: keys, wherever they are.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "kms/client/embedded_api.h"
#include "kms/client/wiped_json.h"
#include "tools/key_actions.h"
#include "tools/key_store.h"
#include "tools/kms_location.h"

namespace enfold {
namespace {

namespace json = boost::json;

constexpr const char* kSomeKey = "0f6c1b1e-2f5a-4c43-9d0a-3c0f2f1f7a55";

// How many materials the key has; nothing where the service does not say.
std::optional<std::uint64_t> count_materials(const KmsCalls& calls, const std::string& key) {
  json::object request = about_key(key);
  request["IncludeKeyMaterial"] = "ALL_KEY_MATERIAL";
  std::uint64_t count = 0;
  const auto counted = calls.call_list("TrentService.ListKeyRotations", std::move(request), "Rotations",
                                       [&](const json::object& /*material*/) -> Result<void> {
                                         ++count;
                                         return {};
                                       });
  return counted ? std::optional(count) : std::nullopt;
}

Result<Fields> describe(const KmsCalls& calls, const std::string& key) {
  ENFOLD_TRY_ASSIGN(const json::object answer, calls.call("TrentService.DescribeKey", about_key(key)));
  const json::object* metadata = object_in(answer, "KeyMetadata");
  if (metadata == nullptr)
    return make_error(Errc::kKmsBadAnswer, calls.url() + ": the KMS answered no KeyMetadata");
  const std::string arn = text_in(*metadata, "Arn");
  Fields out{{"arn", arn},
             {"id", text_in(*metadata, "KeyId")},
             {"state", text_in(*metadata, "KeyState")},
             {"description", text_in(*metadata, "Description")},
             {"created", date_in(*metadata, "CreationDate")},
             {"deletion", date_in(*metadata, "DeletionDate")},
             {"material", text_in(*metadata, "CurrentKeyMaterialId")}};
  if (const auto materials = count_materials(calls, arn))
    out.push_back({"materials", *materials});
  else
    out.push_back({"materials", std::string()});
  return out;
}

struct ServiceForNewKey {
  KmsCalls calls;
  bool is_new_store = false;
};

// Only who says how its root key is to be kept wants a new store; else the path may be a slip.
Result<ServiceForNewKey> open_for_new_key(const KeyOptions& options, bool json) {
  if (options.root_key.empty()) {
    ENFOLD_TRY_ASSIGN(KmsCalls calls, KmsCalls::open(options.kms));
    return ServiceForNewKey{std::move(calls)};
  }
  ENFOLD_TRY_ASSIGN(std::string url, resolve_kms_url(options.kms.kms));
  ENFOLD_TRY_ASSIGN(const std::string directory, require_embedded(url));
  ToolPassphrase passphrase(options.kms.passphrase, "passphrase of the key store");
  ENFOLD_TRY_ASSIGN(OpenedStore store, open_or_make_store(directory, options.root_key, passphrase));
  print_line(backup_advice(directory) + "\n", json);
  return ServiceForNewKey{
      KmsCalls(make_embedded_api(std::move(store.engine)), std::move(url), options.kms.region), store.is_new};
}

Result<int> create(const KeyOptions& options, bool json) {
  json::object request{{"Description", options.description}};
  ENFOLD_TRY_ASSIGN(json::array tags, tags_of(options));
  if (!tags.empty()) request["Tags"] = std::move(tags);
  ENFOLD_TRY_ASSIGN(const ServiceForNewKey service, open_for_new_key(options, json));
  ENFOLD_TRY_ASSIGN(const json::object answer, service.calls.call("TrentService.CreateKey", request));
  const json::object* made = object_in(answer, "KeyMetadata");
  if (made == nullptr || text_in(*made, "Arn").empty())
    return make_error(Errc::kKmsBadAnswer, service.calls.url() + ": the KMS answered no KeyMetadata");
  return show_key(service.calls, text_in(*made, "Arn"), json, {{"new_key_store", service.is_new_store}});
}

Result<int> list(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, KmsCalls::open(options.kms));
  std::vector<Fields> keys;
  ENFOLD_TRY(
      calls.call_list("TrentService.ListKeys", {}, "Keys", [&](const json::object& entry) -> Result<void> {
        ENFOLD_TRY_ASSIGN(Fields key, describe(calls, text_in(entry, "KeyArn")));
        keys.push_back(std::move(key));
        return {};
      }));
  if (keys.empty()) print_line("There is no key.", json);
  print({{json ? "keys" : "key", std::move(keys)}}, json);
  return kExitSuccess;
}

Result<int> describe_one(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, KmsCalls::open(options.kms));
  return show_key(calls, options.key, json);
}

Result<int> enable(const KeyOptions& options, bool json) {
  return call_and_show(options, "TrentService.EnableKey", json);
}

Result<int> disable(const KeyOptions& options, bool json) {
  return call_and_show(options, "TrentService.DisableKey", json);
}

Result<int> rotate(const KeyOptions& options, bool json) {
  return call_and_show(options, "TrentService.RotateKeyOnDemand", json);
}

void add_own_actions(const KeyActions& actions) {
  const auto& options = actions.options;
  CLI::App& creating = actions.add("create", "Make a key, and with --root-key an embedded store for it",
                                   " --description 'the holiday photographs'", &create);
  creating.add_option("--description", options->description, "a note for people")->type_name("TEXT");
  creating.add_option("--tag", options->tags, "may be repeated")->type_name("NAME=VALUE");
  creating
      .add_option("--root-key", options->root_key, "how a new store's root key is kept (default: generated)")
      ->type_name("generated|passphrase|credential:NAME");
  static_cast<void>(actions.add("list", "Show all keys", " --kms embedded:/srv/keys", &list));
  static_cast<void>(actions.add_for_key("describe", "Show a key; an alias will do, too", "", &describe_one));
  static_cast<void>(actions.add_for_key("enable", "Let a disabled key be used again", "", &enable));
  static_cast<void>(actions.add_for_key(
      "disable", "Forbid a key's use; mounts lose it when their cached keys run out", "", &disable));
  static_cast<void>(actions.add_for_key(
      "rotate", "Give a key new material for new files; old files still open", "", &rotate));
}

}  // namespace

CLI::App& KeyActions::add(const std::string& name, const std::string& what, const std::string& example,
                          Action action) const {
  CLI::App* command = group.add_subcommand(name, what);
  add_kms_options(*command, options->kms);
  std::string footer = "Example:\n  enfold ";
  footer.append(prefix).append(name).append(example);
  command->footer(footer);
  command->callback([options = options, action, full_name = prefix + name, &invocation = invocation] {
    invocation.name = full_name;
    invocation.run = [options, action, &invocation] { return action(*options, invocation.json); };
  });
  return *command;
}

CLI::App& KeyActions::add_for_key(const std::string& name, const std::string& what,
                                  const std::string& more_example, Action action) const {
  CLI::App& command = add(name, what, " " + std::string(kSomeKey) + more_example, action);
  command.add_option("KEY", options->key, "the key's id or ARN")->required();
  return command;
}

KeyActions KeyActions::add_group(const std::string& name, const std::string& what,
                                 const std::string& example) const {
  CLI::App* below = group.add_subcommand(name, what);
  below->require_subcommand(1);
  std::string footer = "Example:\n  enfold ";
  footer.append(prefix).append(name).append(" ").append(example);
  below->footer(footer);
  return {*below, invocation, options, prefix + name + " "};
}

json::object about_key(const std::string& key) { return {{"KeyId", key}}; }

Result<int> show_key(const KmsCalls& calls, const std::string& key, bool json, Fields more) {
  ENFOLD_TRY_ASSIGN(Fields fields, describe(calls, key));
  for (Field& field : more) fields.push_back(std::move(field));
  print(fields, json);
  return kExitSuccess;
}

Result<int> call_and_show(const KeyOptions& options, std::string_view target, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, KmsCalls::open(options.kms));
  ENFOLD_TRY(calls.call(target, about_key(options.key)));
  return show_key(calls, options.key, json);
}

void add_key_commands(CLI::App& app, Invocation& invocation) {
  CLI::App* group = app.add_subcommand("key", "Keys of a key service, and an embedded store as a whole");
  group->require_subcommand(1);
  group->footer("Example:\n  enfold key list");
  const KeyActions actions{*group, invocation, std::make_shared<KeyOptions>(), "key "};
  add_own_actions(actions);
  add_life_actions(actions);
  add_alias_actions(actions);
  add_tag_actions(actions);
  add_store_actions(actions);
}

}  // namespace enfold
