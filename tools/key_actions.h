// The actions of `enfold key`, by what they work on; each file adds its own to the group.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/commands.h"
#include "tools/kms_calls.h"

namespace enfold {

// Of all of them together; each asks for those that it needs.
struct KeyOptions {
  KmsOptions kms;
  std::string key;
  std::string description;
  std::string alias;
  std::vector<std::string> tags;
  std::optional<std::int64_t> days;
  std::string file;
  std::string root_key;
  PassphraseOrigin export_passphrase;
};

struct KeyActions {
  CLI::App& group;
  Invocation& invocation;
  std::shared_ptr<KeyOptions> options;
  std::string prefix;  // of the names in messages: "key "

  using Action = Result<int> (*)(const KeyOptions&, bool json);
  // Adds `enfold key NAME`; returns it for the options that are its own. `example` goes on behind the name.
  [[nodiscard]] CLI::App& add(const std::string& name, const std::string& what, const std::string& example,
                              Action action) const;
  // The same for what takes a KEY.
  [[nodiscard]] CLI::App& add_for_key(const std::string& name, const std::string& what,
                                      const std::string& more_example, Action action) const;
  // A group of actions below: `enfold key alias`.
  [[nodiscard]] KeyActions add_group(const std::string& name, const std::string& what,
                                     const std::string& example) const;
};

void add_life_actions(const KeyActions& actions);  // rotation, deletion
void add_alias_actions(const KeyActions& actions);
void add_tag_actions(const KeyActions& actions);
void add_store_actions(const KeyActions& actions);  // the store as a whole, embedded only

// {"KeyId": key}
boost::json::object about_key(const std::string& key);
// [{"TagKey": NAME, "TagValue": VALUE}, ...] of options.tags
Result<boost::json::array> tags_of(const KeyOptions& options);
// An operation that takes a key and nothing else, and then what became of the key.
Result<int> call_and_show(const KeyOptions& options, std::string_view target, bool json);
// As DescribeKey says.
Result<int> show_key(const KmsCalls& calls, const std::string& key, bool json, Fields more = {});

}  // namespace enfold
