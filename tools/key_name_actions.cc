// enfold key alias, tag: what keys are called.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "kms/client/wiped_json.h"
#include "tools/key_actions.h"

namespace enfold {
namespace {

namespace json = boost::json;

// "alias/" may be left away.
std::string alias_name(const KeyOptions& options) {
  return options.alias.starts_with("alias/") ? options.alias : "alias/" + options.alias;
}

Result<int> name_key(const KeyOptions& options, std::string_view target, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, KmsCalls::open(options.kms));
  const std::string name = alias_name(options);
  ENFOLD_TRY(calls.call(target, {{"AliasName", name}, {"TargetKeyId", options.key}}));
  print({{"alias", name}, {"key", options.key}}, json);
  return kExitSuccess;
}

Result<int> create_alias(const KeyOptions& options, bool json) {
  return name_key(options, "TrentService.CreateAlias", json);
}

Result<int> update_alias(const KeyOptions& options, bool json) {
  return name_key(options, "TrentService.UpdateAlias", json);
}

Result<int> delete_alias(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, KmsCalls::open(options.kms));
  const std::string name = alias_name(options);
  ENFOLD_TRY(calls.call("TrentService.DeleteAlias", {{"AliasName", name}}));
  print({{"deleted", name}}, json);
  return kExitSuccess;
}

Result<int> list_aliases(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, KmsCalls::open(options.kms));
  json::object request;
  if (!options.key.empty()) request = about_key(options.key);
  std::vector<Fields> aliases;
  ENFOLD_TRY(calls.call_list("TrentService.ListAliases", std::move(request), "Aliases",
                             [&](const json::object& entry) -> Result<void> {
                               aliases.push_back({{"name", text_in(entry, "AliasName")},
                                                  {"arn", text_in(entry, "AliasArn")},
                                                  {"key", text_in(entry, "TargetKeyId")},
                                                  {"created", date_in(entry, "CreationDate")},
                                                  {"updated", date_in(entry, "LastUpdatedDate")}});
                               return {};
                             }));
  print({{json ? "aliases" : "alias", std::move(aliases)}}, json);
  return kExitSuccess;
}

Result<int> show_tags(const KmsCalls& calls, const std::string& key, bool json) {
  std::vector<Fields> tags;
  ENFOLD_TRY(calls.call_list(
      "TrentService.ListResourceTags", about_key(key), "Tags",
      [&](const json::object& entry) -> Result<void> {
        tags.push_back({{"name", text_in(entry, "TagKey")}, {"value", text_in(entry, "TagValue")}});
        return {};
      }));
  print({{json ? "tags" : "tag", std::move(tags)}}, json);
  return kExitSuccess;
}

Result<int> add_tags(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(json::array tags, tags_of(options));
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, KmsCalls::open(options.kms));
  json::object request = about_key(options.key);
  request["Tags"] = std::move(tags);
  ENFOLD_TRY(calls.call("TrentService.TagResource", request));
  return show_tags(calls, options.key, json);
}

Result<int> remove_tags(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, KmsCalls::open(options.kms));
  json::object request = about_key(options.key);
  json::array& names = request["TagKeys"].emplace_array();
  for (const std::string& tag : options.tags) names.emplace_back(tag);
  ENFOLD_TRY(calls.call("TrentService.UntagResource", request));
  return show_tags(calls, options.key, json);
}

Result<int> list_tags(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, KmsCalls::open(options.kms));
  return show_tags(calls, options.key, json);
}

}  // namespace

Result<json::array> tags_of(const KeyOptions& options) {
  json::array out;
  for (const std::string& tag : options.tags) {
    const std::size_t equals = tag.find('=');
    if (equals == std::string::npos || equals == 0)
      return make_error(Errc::kInvalidArgument,
                        "the tag " + tag + ": not of the form NAME=VALUE; correct it");
    out.push_back({{"TagKey", tag.substr(0, equals)}, {"TagValue", tag.substr(equals + 1)}});
  }
  return out;
}

void add_alias_actions(const KeyActions& actions) {
  const auto& options = actions.options;
  const KeyActions alias = actions.add_group("alias", "Names for keys", "create photographs KEY");
  const auto add_named = [&](const std::string& name, const std::string& what, const std::string& example,
                             KeyActions::Action action) -> CLI::App& {
    CLI::App& command = alias.add(name, what, " photographs" + example, action);
    command.add_option("ALIAS", options->alias, "with alias/ in front or without")->required();
    return command;
  };
  add_named("create", "Give a key a name", " KEY", &create_alias)
      .add_option("KEY", options->key, "the key's id or ARN")
      ->required();
  add_named("update", "Give another key the name", " KEY", &update_alias)
      .add_option("KEY", options->key, "the key's id or ARN")
      ->required();
  add_named("delete", "Take a name away; its key stays", "", &delete_alias);
  alias.add("list", "Show the names of one key or of all", "", &list_aliases)
      .add_option("KEY", options->key, "the key's id or ARN (default: all)");
}

void add_tag_actions(const KeyActions& actions) {
  const auto& options = actions.options;
  const KeyActions tag = actions.add_group("tag", "Notes on a key", "add KEY owner=me");
  tag.add_for_key("add", "Add tags, or change them", " owner=me project=photographs", &add_tags)
      .add_option("TAG", options->tags, "NAME=VALUE, one or more")
      ->required();
  tag.add_for_key("remove", "Take tags away", " owner", &remove_tags)
      .add_option("TAG", options->tags, "names, one or more")
      ->required();
  static_cast<void>(tag.add_for_key("list", "Show a key's tags", "", &list_tags));
}

}  // namespace enfold
