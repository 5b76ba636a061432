// The command `enfold`. Commands, options and exit codes: tools/README.md.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "kms/base/exit_code.h"
#include "kms/base/secret_memory.h"
#include "kms/base/standard_streams.h"
#include "tools/commands.h"
#include "tools/error_line.h"

namespace {

constexpr const char* kVersion = "enfold " ENFOLD_VERSION " (volume format 1)";

void add_commands(CLI::App& app, enfold::Invocation& invocation) {
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  enfold::add_init_command(app, invocation);
  enfold::add_mount_command(app, invocation);
  enfold::add_status_command(app, invocation);
  enfold::add_check_command(app, invocation);
  enfold::add_inspect_command(app, invocation);
  add_rekey_command(app, invocation);
  enfold::add_key_commands(app, invocation);
  enfold::add_principal_commands(app, invocation);
  app.footer("Example:\n  enfold init ~/Dropbox/private\n  enfold mount ~/Dropbox/private ~/private");
}

// --json stands at every command, where one looks for it.
void add_json(CLI::App& app, bool& json) {
  for (CLI::App* command : app.get_subcommands({})) {
    if (command->get_subcommands({}).empty())
      command->add_flag("--json", json, "answer as one JSON object");
    else
      add_json(*command, json);
  }
}

int report(const std::string& command, const enfold::Error& error) {
  std::cerr << enfold::error_line(command, error) << "\n";
  return enfold::exit_code_of(error);
}

// As far as it was recognised: "key alias create".
std::string chosen_command(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) return {};
  const std::string below = chosen_command(*chosen.front());
  return chosen.front()->get_name() + (below.empty() ? "" : " " + below);
}

int run(int argc, char** argv) {
  CLI::App app("Encrypts a directory behind a mount, every file under a key of its own.", "enfold");
  enfold::Invocation invocation;
  add_commands(app, invocation);
  add_json(app, invocation.json);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked_for_help) {
    return app.exit(asked_for_help);
  } catch (const CLI::ParseError& wrong) {
    return report(chosen_command(app), {enfold::Errc::kInvalidArgument, 0, wrong.what()});
  }
  if (invocation.name.empty()) invocation.name = app.get_subcommands().front()->get_name();
  auto code = invocation.run();
  return code ? *code : report(invocation.name, code.error());
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto filled = enfold::fill_standard_streams(); !filled) return report("", filled.error());
  enfold::forbid_core_dumps();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    return report("", {enfold::Errc::kSystem, 0, std::string("a library failed: ") + error.what()});
  }
}
