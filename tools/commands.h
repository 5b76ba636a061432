// The commands of `enfold`: each group adds its own to the command line. Parsing only fills in options; what
// a command does runs afterwards, from main().
#pragma once

#include <functional>
#include <string>

#include "kms/base/error.h"

namespace CLI {
class App;
}

namespace enfold {

// Exit codes that are no error; errors have exit_code_of() (kms/base). All are published in tools/README.md.
inline constexpr int kExitSuccess = 0;
inline constexpr int kExitFindings = 1;
inline constexpr int kExitLeft = 3;     // rekey: files were left, and named
inline constexpr int kExitStopped = 4;  // by a signal; what is done stays done

// What was chosen on the command line.
struct Invocation {
  bool json = false;
  std::string name;                  // of the chosen command, for messages
  std::function<Result<int>()> run;  // answers the exit code
};

void add_init_command(CLI::App& app, Invocation& invocation);
void add_mount_command(CLI::App& app, Invocation& invocation);
void add_status_command(CLI::App& app, Invocation& invocation);
void add_check_command(CLI::App& app, Invocation& invocation);
void add_inspect_command(CLI::App& app, Invocation& invocation);
void add_rekey_command(CLI::App& app, Invocation& invocation);
void add_key_commands(CLI::App& app, Invocation& invocation);
void add_principal_commands(CLI::App& app, Invocation& invocation);

}  // namespace enfold
