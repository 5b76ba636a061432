// enfold key rotation, schedule-deletion, cancel-deletion: what happens to a key by time.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "kms/client/wiped_json.h"
#include "tools/key_actions.h"

namespace enfold {
namespace {

namespace json = boost::json;

bool flag_in(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  return member != nullptr && member->is_bool() && member->get_bool();
}

Field number_field(std::string name, const std::optional<std::int64_t>& number) {
  if (!number) return {std::move(name), std::string()};
  return {std::move(name), static_cast<std::uint64_t>(std::max<std::int64_t>(*number, 0))};
}

Result<int> show_status(const KmsCalls& calls, const std::string& key, bool json) {
  ENFOLD_TRY_ASSIGN(const json::object answer,
                    calls.call("TrentService.GetKeyRotationStatus", about_key(key)));
  print({{"key", text_in(answer, "KeyId").empty() ? key : text_in(answer, "KeyId")},
         {"rotation", flag_in(answer, "KeyRotationEnabled")},
         number_field("days", number_in(answer, "RotationPeriodInDays")),
         {"next", date_in(answer, "NextRotationDate")}},
        json);
  return kExitSuccess;
}

Result<int> rotation_status(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, KmsCalls::open(options.kms));
  return show_status(calls, options.key, json);
}

Result<int> enable_rotation(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, KmsCalls::open(options.kms));
  json::object request = about_key(options.key);
  if (options.days) request["RotationPeriodInDays"] = *options.days;
  ENFOLD_TRY(calls.call("TrentService.EnableKeyRotation", request));
  return show_status(calls, options.key, json);
}

Result<int> disable_rotation(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, KmsCalls::open(options.kms));
  ENFOLD_TRY(calls.call("TrentService.DisableKeyRotation", about_key(options.key)));
  return show_status(calls, options.key, json);
}

Result<int> list_rotations(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, KmsCalls::open(options.kms));
  json::object request = about_key(options.key);
  request["IncludeKeyMaterial"] = "ALL_KEY_MATERIAL";
  std::vector<Fields> materials;
  ENFOLD_TRY(calls.call_list("TrentService.ListKeyRotations", std::move(request), "Rotations",
                             [&](const json::object& entry) -> Result<void> {
                               materials.push_back({{"material", text_in(entry, "KeyMaterialId")},
                                                    {"state", text_in(entry, "KeyMaterialState")},
                                                    {"rotated", date_in(entry, "RotationDate")},
                                                    {"how", text_in(entry, "RotationType")}});
                               return {};
                             }));
  print({{json ? "materials" : "material", std::move(materials)}}, json);
  return kExitSuccess;
}

Result<int> schedule_deletion(const KeyOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, KmsCalls::open(options.kms));
  json::object request = about_key(options.key);
  if (options.days) request["PendingWindowInDays"] = *options.days;
  ENFOLD_TRY(calls.call("TrentService.ScheduleKeyDeletion", request));
  print_line(
      "What is under this key opens no more, and after the deletion never again: enfold key "
      "cancel-deletion takes it back.",
      json);
  return show_key(calls, options.key, json);
}

Result<int> cancel_deletion(const KeyOptions& options, bool json) {
  return call_and_show(options, "TrentService.CancelKeyDeletion", json);
}

}  // namespace

void add_life_actions(const KeyActions& actions) {
  const auto& options = actions.options;
  const KeyActions rotation =
      actions.add_group("rotation", "New material by a schedule", "enable KEY --days 365");
  rotation.add_for_key("enable", "Rotate a key by a schedule", " --days 90", &enable_rotation)
      .add_option("--days", options->days, "between two rotations, 90 to 2560 (default: 365)")
      ->type_name("N");
  static_cast<void>(rotation.add_for_key("disable", "Rotate a key no more by itself", "", &disable_rotation));
  static_cast<void>(rotation.add_for_key("status", "Show a key's schedule", "", &rotation_status));
  static_cast<void>(rotation.add_for_key("list", "Show a key's materials", "", &list_rotations));
  actions
      .add_for_key("schedule-deletion", "Take a key out of use, and delete it after some days", " --days 30",
                   &schedule_deletion)
      .add_option("--days", options->days, "until it is deleted, 7 to 30 (default: 30)")
      ->type_name("N");
  static_cast<void>(actions.add_for_key("cancel-deletion",
                                        "Keep a key that is to be deleted; it is disabled then, see enable",
                                        "", &cancel_deletion));
}

}  // namespace enfold
