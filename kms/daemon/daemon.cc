#include "kms/daemon/daemon.h"

#include <cerrno>

#include "kms/base/log.h"
#include "kms/base/secret_memory.h"
#include "kms/base/service_manager.h"
#include "kms/daemon/descriptor_limit.h"
#include "kms/daemon/server.h"
#include "kms/daemon/service_handler.h"
#include "kms/store/store_admin.h"
#include "kms/wire/sigv4.h"

namespace enfold {
namespace {

// A service has nobody to ask.
class ServicePassphrase final : public ReadOncePassphrase {
 public:
  explicit ServicePassphrase(PassphraseOrigin origin) : origin_(std::move(origin)) {}

 private:
  Result<WipedBytes> read() override {
    if (origin_.is_given()) return read_passphrase(origin_);
    return make_error(Errc::kInvalidArgument,
                      "the store is sealed by a passphrase; give --passphrase-fd or --passphrase-file");
  }

  PassphraseOrigin origin_;
};

Result<void> check_region(const std::string& region) {
  if (is_region_name(region)) return {};
  return make_error(Errc::kInvalidArgument, "--region: give 1 to 32 of a-z, 0-9 and -");
}

// What the options say, before anything is done.
struct Plan {
  RootKeyChoice root_key;
  std::vector<std::vector<ListenAddress>> listen;
};

Result<Plan> plan_of(const DaemonOptions& options) {
  ENFOLD_TRY(check_region(options.region));
  ENFOLD_TRY_ASSIGN(RootKeyChoice root_key,
                    parse_root_key_choice(options.root_key.empty() ? "generated" : options.root_key));
  Plan plan{std::move(root_key), {}};
  for (const std::string& text : options.listen) {
    ENFOLD_TRY_ASSIGN(std::vector<ListenAddress> addresses, parse_listen_address(text));
    plan.listen.push_back(std::move(addresses));
  }
  return plan;
}

// A store that is there keeps its root key: a choice that is named must be that one's, so that nobody
// believes in a passphrase that protects nothing.
Result<void> check_choice(const DaemonOptions& options, const RootKeyChoice& choice) {
  if (options.root_key.empty()) return {};
  auto same = require_root_key_choice(options.data, choice);
  if (!same && same.error().code == Errc::kInvalidArgument) return same;
  return {};  // what else is wrong shows when it is opened
}

Result<std::unique_ptr<Engine>> open_or_make(const DaemonOptions& options, const RootKeyChoice& choice,
                                             PassphraseSource& passphrase) {
  ENFOLD_TRY(check_choice(options, choice));
  auto engine = open_embedded_engine(options.data, passphrase);
  if (engine || engine.error().code != Errc::kStoreMissing) return engine;
  auto made = create_store(options.data, choice, passphrase);
  // Another daemon that starts now may have been first.
  if (!made && made.error().code != Errc::kExists) return std::unexpected(std::move(made).error());
  if (made)
    log_info("made the key store " + options.data +
             "; back it up: enfold key export-store FILE --kms embedded:" + options.data);
  ENFOLD_TRY(check_choice(options, choice));
  return open_embedded_engine(options.data, passphrase);
}

// On a machine without IPv6 nobody else can be on ::1 either.
bool is_family_missing(const Error& error) {
  return error.errno_value == EADDRNOTAVAIL || error.errno_value == EAFNOSUPPORT;
}

// Of one --listen, on one port.
Result<void> open_all(const std::vector<ListenAddress>& addresses, std::vector<Listener>& listeners) {
  std::uint16_t port = 0;
  for (ListenAddress address : addresses) {
    if (address.port == 0) address.port = port;
    auto listener = Listener::open(address);
    if (!listener && addresses.size() > 1 && is_family_missing(listener.error())) continue;
    if (!listener) return std::unexpected(std::move(listener).error());
    port = listener->address().port;
    listeners.push_back(std::move(*listener));
  }
  return {};
}

Result<std::vector<Listener>> open_listeners(const Plan& plan, int passed) {
  ENFOLD_TRY_ASSIGN(std::vector<Listener> listeners, Listener::adopt(kFirstPassedFd, passed));
  for (const auto& addresses : plan.listen) ENFOLD_TRY(open_all(addresses, listeners));
  return listeners;
}

void tell_listeners(const std::vector<Listener>& listeners) {
  for (const Listener& listener : listeners) log_info("listening on " + text_of(listener.address()));
}

Result<void> serve(Engine& engine, const DaemonOptions& options, std::vector<Listener> listeners,
                   StopRequests& stop) {
  SystemClock clock;
  SystemEntropy entropy;
  FailureLog failures(clock, stop);
  KmsService service(engine, clock, entropy, options.region);
  service.observe_failures(failures);
  ServiceHandler handler(service);
  EngineDueWork due_work(engine, failures);
  const Maintenance maintenance(due_work, clock);

  tell_listeners(listeners);
  ENFOLD_TRY_ASSIGN(const std::unique_ptr<Server> server,
                    Server::start(std::move(listeners), handler, clock, entropy, {}));
  notify_service_manager("READY=1\nSTATUS=Serving " + options.data);

  const StopRequests::Why why = stop.wait();
  stop.let_signals_kill();
  notify_service_manager("STOPPING=1\nSTATUS=Answering what has begun");
  log_info(why == StopRequests::Why::kSignal ? "stopping: told to by a signal" : "stopping");
  if (!server->drain()) log_warning("some connections did not end in time and were cut");
  log_info("stopped");
  if (failures.store_is_tampered())
    return make_error(Errc::kStoreTampered, options.data + ": the key store was changed while it was served");
  return {};
}

}  // namespace

Result<void> run_daemon(const DaemonOptions& options) {
  ENFOLD_TRY_ASSIGN(const Plan plan, plan_of(options));
  ENFOLD_TRY(raise_descriptor_limit(ServerLimits{}.connections));
  ENFOLD_TRY_ASSIGN(const int passed, take_passed_fd_count());
  if (passed == 0 && plan.listen.empty())
    return make_error(Errc::kInvalidArgument,
                      "nothing to listen on; give --listen unix:PATH or --listen http://127.0.0.1:PORT");
  ServicePassphrase passphrase(options.passphrase);
  ENFOLD_TRY_ASSIGN(const std::unique_ptr<Engine> engine, open_or_make(options, plan.root_key, passphrase));
  // Before there are threads, so that none of them gets the signals; until here, where it may wait for a
  // passphrase, they end it as they end any program.
  ENFOLD_TRY_ASSIGN(StopRequests stop, StopRequests::take_over());
  if (!secret_memory_is_locked())
    log_warning("key material could not be locked in memory and may be swapped out; raise LimitMEMLOCK");
  ENFOLD_TRY_ASSIGN(std::vector<Listener> listeners, open_listeners(plan, passed));
  return serve(*engine, options, std::move(listeners), stop);
}

}  // namespace enfold
