// enfold-kmsd, the key management daemon. Options, exit codes and units: systemd/README.md.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "kms/base/exit_code.h"
#include "kms/base/log.h"
#include "kms/base/secret_memory.h"
#include "kms/base/standard_streams.h"
#include "kms/daemon/daemon.h"

namespace {

void add_options(CLI::App& app, enfold::DaemonOptions& options) {
  app.set_version_flag("--version", "enfold-kmsd " ENFOLD_VERSION);
  app.add_option("--data", options.data, "the key store's directory; made where there is none")
      ->required()
      ->type_name("DIR");
  app.add_option("--listen", options.listen,
                 "unix:PATH or http://127.0.0.1:PORT (also [::1], localhost); port 0 is any; may be repeated")
      ->type_name("ADDRESS");
  app.add_option("--region", options.region, "region of calls over the Unix socket that name none")
      ->capture_default_str()
      ->type_name("NAME");
  app.add_option("--root-key", options.root_key, "of a new store: generated, passphrase or credential:NAME")
      ->type_name("KIND");
  auto* fd =
      app.add_option("--passphrase-fd", options.passphrase.fd, "read the passphrase from this descriptor")
          ->type_name("N");
  app.add_option("--passphrase-file", options.passphrase.file, "read the passphrase from this file")
      ->type_name("FILE")
      ->excludes(fd);
  app.footer("Example:\n  enfold-kmsd --data ~/keys --listen unix:/run/user/1000/kms.sock");
}

int report(const enfold::Error& error) {
  enfold::log_error(describe(error));
  return enfold::exit_code_of(error);
}

int run(int argc, char** argv) {
  CLI::App app("Serves a key store over AWS KMS's protocol.", "enfold-kmsd");
  enfold::DaemonOptions options;
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked_for_help) {
    return app.exit(asked_for_help);
  } catch (const CLI::ParseError& wrong) {
    return report({enfold::Errc::kInvalidArgument, 0, wrong.what()});
  }
  auto ended = enfold::run_daemon(options);
  return ended ? 0 : report(ended.error());
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto filled = enfold::fill_standard_streams(); !filled) return report(filled.error());
  enfold::forbid_core_dumps();
  ::umask(077);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    return report({enfold::Errc::kSystem, 0, std::string("a library failed: ") + error.what()});
  }
}
