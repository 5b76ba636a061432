// enfold principal: who may call a key service. For root, or the user whose service or store it is.
#include <pwd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "kms/client/wiped_json.h"
#include "tools/commands.h"
#include "tools/kms_calls.h"
#include "tools/kms_location.h"

namespace enfold {
namespace {

namespace json = boost::json;

struct PrincipalOptions {
  KmsOptions kms;
  std::string account = "000000000000";
  std::string name;
  std::vector<std::string> unix_users;
  std::string access_key_id;
};

// By name or by number.
Result<std::uint32_t> unix_id_of(const std::string& user) {
  std::uint32_t id = 0;
  const auto [end, wrong] = std::from_chars(user.data(), user.data() + user.size(), id);
  if (wrong == std::errc() && end == user.data() + user.size()) return id;
  const passwd* known = ::getpwnam(user.c_str());  // one thread is all there is
  if (known != nullptr) return known->pw_uid;
  return make_error(Errc::kInvalidArgument,
                    "--unix-user " + user + ": this machine knows no such user; name another, or a number");
}

std::vector<std::string> texts_in(const json::object& object, std::string_view name) {
  std::vector<std::string> out;
  const json::value* member = object.if_contains(name);
  if (member == nullptr || !member->is_array()) return out;
  for (const json::value& entry : member->get_array())
    out.push_back(entry.is_string() ? std::string(std::string_view(entry.get_string()))
                                    : json::serialize(entry));
  return out;
}

Fields fields_of(const json::object& principal, bool json) {
  return {{"account", text_in(principal, "Account")},
          {"name", text_in(principal, "Name")},
          {"arn", text_in(principal, "Arn")},
          {"created", date_in(principal, "CreateDate")},
          {json ? "unix_ids" : "unix_id", texts_in(principal, "UnixIds")},
          {json ? "access_keys" : "access_key", texts_in(principal, "AccessKeyIds")}};
}

Result<KmsCalls> open_service(const PrincipalOptions& options) {
  ENFOLD_TRY_ASSIGN(const std::string url, resolve_kms_url(options.kms.kms));
  if (url.starts_with("http"))
    return make_error(Errc::kInvalidArgument,
                      "--kms " + url +
                          ": who administers principals is known over unix: only, or in an embedded store; "
                          "write unix:PATH or embedded:DIR");
  return KmsCalls::open(options.kms);
}

json::object about(const PrincipalOptions& options) {
  json::object request = wiped_object();
  request["Account"] = options.account;
  request["Name"] = options.name;
  return request;
}

Result<int> add(const PrincipalOptions& options, bool json) {
  json::object request = about(options);
  json::array& ids = request["UnixIds"].emplace_array();
  for (const std::string& user : options.unix_users) {
    ENFOLD_TRY_ASSIGN(const std::uint32_t id, unix_id_of(user));
    ids.emplace_back(std::int64_t{id});  // as a parser would read it
  }
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, open_service(options));
  ENFOLD_TRY_ASSIGN(const json::object answer, calls.call("Enfold.AddPrincipal", request));
  const json::object* principal = object_in(answer, "Principal");
  if (principal == nullptr)
    return make_error(Errc::kKmsBadAnswer, calls.url() + ": the KMS answered no Principal");
  print(fields_of(*principal, json), json);
  return kExitSuccess;
}

Result<int> list(const PrincipalOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, open_service(options));
  std::vector<Fields> principals;
  ENFOLD_TRY(calls.call_list("Enfold.ListPrincipals", {}, "Principals",
                             [&](const json::object& entry) -> Result<void> {
                               principals.push_back(fields_of(entry, json));
                               return {};
                             }));
  if (principals.empty()) print_line("There is no principal.", json);
  print({{json ? "principals" : "principal", std::move(principals)}}, json);
  return kExitSuccess;
}

Result<int> remove(const PrincipalOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, open_service(options));
  ENFOLD_TRY(calls.call("Enfold.RemovePrincipal", about(options)));
  print({{"removed", options.name}, {"account", options.account}}, json);
  return kExitSuccess;
}

// The one time that the secret is to be seen: the service keeps it sealed, and shows it to nobody again.
Result<int> create_access_key(const PrincipalOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, open_service(options));
  ENFOLD_TRY_ASSIGN(const json::object answer, calls.call("Enfold.CreateAccessKey", about(options)));
  print({{"access_key_id", text_in(answer, "AccessKeyId")},
         {"secret_access_key", text_in(answer, "SecretAccessKey")}},
        json);
  print_line("The secret is shown this once. ~/.aws/credentials takes it, or AWS_SECRET_ACCESS_KEY.", json);
  return kExitSuccess;
}

Result<int> delete_access_key(const PrincipalOptions& options, bool json) {
  ENFOLD_TRY_ASSIGN(const KmsCalls calls, open_service(options));
  ENFOLD_TRY(calls.call("Enfold.DeleteAccessKey", {{"AccessKeyId", options.access_key_id}}));
  print({{"deleted", options.access_key_id}}, json);
  return kExitSuccess;
}

class Commands {
 public:
  using Action = Result<int> (*)(const PrincipalOptions&, bool json);

  Commands(CLI::App& group, Invocation& invocation, std::string prefix,
           std::shared_ptr<PrincipalOptions> options)
      : group_(group), invocation_(invocation), prefix_(std::move(prefix)), options_(std::move(options)) {}

  [[nodiscard]] CLI::App& add(const std::string& name, const std::string& what, const std::string& example,
                              Action action) const {
    CLI::App* command = group_.add_subcommand(name, what);
    add_kms_options(*command, options_->kms);
    command->get_option("--kms")->required();
    std::string footer = "Example:\n  enfold ";
    footer.append(prefix_).append(name).append(example).append(" --kms unix:/run/enfold-kms/kms.sock");
    command->footer(footer);
    command->callback([options = options_, action, full_name = prefix_ + name, &invocation = invocation_] {
      invocation.name = full_name;
      invocation.run = [options, action, &invocation] { return action(*options, invocation.json); };
    });
    return *command;
  }

  [[nodiscard]] CLI::App& add_named(const std::string& name, const std::string& what,
                                    const std::string& example, Action action) const {
    CLI::App& command = add(name, what, " alice" + example, action);
    command.add_option("NAME", options_->name, "the principal's name")->required();
    command.add_option("--account", options_->account, "the account that it belongs to, 12 digits")
        ->type_name("NUMBER")
        ->capture_default_str();
    return command;
  }

 private:
  CLI::App& group_;
  Invocation& invocation_;
  std::string prefix_;
  std::shared_ptr<PrincipalOptions> options_;
};

}  // namespace

void add_principal_commands(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<PrincipalOptions>();
  constexpr const char* kSocket = " --kms unix:/run/enfold-kms/kms.sock";
  CLI::App* group = app.add_subcommand("principal", "Who may call a key service: its users and access keys");
  group->require_subcommand(1);
  group->footer(std::string("Example:\n  enfold principal list") + kSocket);
  const Commands commands(*group, invocation, "principal ", options);
  commands.add_named("add", "Let somebody use the keys of an account", " --unix-user alice", &add)
      .add_option(
          "--unix-user", options->unix_users,
          "a user of this machine, known by name or number: whose calls over the Unix socket count as the "
          "principal's; may be repeated")
      ->type_name("USER");
  static_cast<void>(commands.add("list", "Show all principals", "", &list));
  static_cast<void>(commands.add_named("remove", "Take a principal away, with its access keys", "", &remove));

  CLI::App* keys = group->add_subcommand("access-key", "What signs a principal's calls over HTTP");
  keys->require_subcommand(1);
  keys->footer(std::string("Example:\n  enfold principal access-key create alice") + kSocket);
  const Commands key_commands(*keys, invocation, "principal access-key ", options);
  static_cast<void>(key_commands.add_named("create", "Make an access key, and show its secret this once", "",
                                           &create_access_key));
  key_commands.add("delete", "Take an access key away", " AKIAIOSFODNN7EXAMPLE", &delete_access_key)
      .add_option("ID", options->access_key_id, "the access key's id")
      ->required();
}

}  // namespace enfold
