// What one request costs the key service between HTTP and the store, by operation, unsigned over the Unix
// socket and signed; without sockets. The store lies in TMPDIR. Figures, not a test.
#include <benchmark/benchmark.h>

#include <boost/json.hpp>
#include <cstdlib>

#include "kms/store/store.h"
#include "kms/store/store_admin.h"
#include "kms/wire/kms_service.h"
#include "kms/wire/sigv4.h"
#include "tests/kms/support.h"

namespace enfold {
namespace {

constexpr std::uint32_t kUnixId = 4711;

// Whatever fails here is a fault of this program.
template <class T>
T good(Result<T> result) {
  if (!result) std::abort();
  return *std::move(result);
}

std::unique_ptr<Engine> new_engine(const std::string& dir, Entropy& entropy, Clock& clock) {
  make_store(dir);
  FixedPassphrase unused;
  return std::make_unique<Engine>(good(open_store(dir, unused, entropy)), entropy, clock);
}

struct Service {
  Service() {
    good(engine->add_principal({"000000000000", "bench", {kUnixId}}));
    access_key = good(engine->create_access_key("000000000000", "bench"));
    const KmsCaller caller(local_scope());
    key = good(engine->create_key(caller, {})).arn;
    blob = call("GenerateDataKey", R"({"KeyId":")" + key + R"(","KeySpec":"AES_256",)" + context + "}")
               .at("CiphertextBlob")
               .as_string();
  }

  boost::json::object call(const std::string& operation, const std::string& body) {
    const std::string target = "TrentService." + operation;
    const HttpAnswer answer = service.handle(request(target, body), {kUnixId});
    if (answer.status != 200) std::abort();
    return boost::json::parse({answer.body.data(), answer.body.size()}).get_object();
  }

  // Views of the arguments. Headers as the AWS SDK for JavaScript sends them.
  static HttpRequestView request(const std::string& target, const std::string& body) {
    return {.method = "POST",
            .target = "/",
            .headers = {{"host", "127.0.0.1:4599"},
                        {"x-amz-target", target},
                        {"content-type", "application/x-amz-json-1.1"},
                        {"user-agent",
                         "aws-sdk-js/3.967.0 ua/2.1 os/linux#6.1 lang/js md/nodejs#18 api/kms#3.967.0"},
                        {"amz-sdk-invocation-id", "8d4a1f6c-8f0e-4b57-9df9-0a1f3a6e3b1c"},
                        {"amz-sdk-request", "attempt=1; max=3"},
                        {"connection", "keep-alive"},
                        {"content-length", "300"}},
            .body = body};
  }

  TempDir directory;
  SystemEntropy entropy;
  SystemClock clock;
  std::unique_ptr<Engine> engine = new_engine(directory / "kms", entropy, clock);
  KmsService service{*engine, clock, entropy, "local"};
  NewAccessKey access_key;
  std::string key;
  std::string blob;
  std::string context =
      R"("EncryptionContext":{"enfold:volume":"0123456789abcdef","enfold:file":"fedcba9876543210"})";
};

enum class Identity : std::uint8_t { kUnix, kSigned };

void run(benchmark::State& state, Service& world, Identity identity, const std::string& target,
         const std::string& body) {
  HttpRequestView request = Service::request(target, body);
  std::vector<OwnedHeader> added;
  if (identity == Identity::kSigned)
    added = sign_request(request, {world.access_key.id, world.access_key.secret.expose(), {}}, "local",
                         world.clock.unix_ms());
  for (const OwnedHeader& header : added) request.headers.push_back({header.name, header.value});
  const ConnectionPeer peer =
      identity == Identity::kSigned ? ConnectionPeer{} : ConnectionPeer{.unix_id = kUnixId};
  for ([[maybe_unused]] auto _ : state) {  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    const HttpAnswer answer = world.service.handle(request, peer);
    if (answer.status != 200) state.SkipWithError("refused");
    benchmark::DoNotOptimize(answer.body.data());
  }
}

void ping(benchmark::State& state, Identity identity) {
  Service world;
  run(state, world, identity, "Enfold.Ping", "{}");
}

void decrypt(benchmark::State& state, Identity identity) {
  Service world;
  run(state, world, identity, "TrentService.Decrypt",
      R"({"KeyId":")" + world.key + R"(","CiphertextBlob":")" + world.blob + "\"," + world.context + "}");
}

void generate_data_key(benchmark::State& state, Identity identity) {
  Service world;
  run(state, world, identity, "TrentService.GenerateDataKey",
      R"({"KeyId":")" + world.key + R"(","KeySpec":"AES_256",)" + world.context + "}");
}

void describe_key(benchmark::State& state, Identity identity) {
  Service world;
  run(state, world, identity, "TrentService.DescribeKey", R"({"KeyId":")" + world.key + "\"}");
}

// The figure is for one entry of a thousand.
void batch_decrypt(benchmark::State& state, Identity identity) {
  Service world;
  std::string body = R"({"KeyId":")" + world.key + R"(","Entries":[)";
  for (std::size_t i = 0; i < kMaxBatchEntries; ++i)
    body.append(i == 0 ? "" : ",")
        .append(R"({"CiphertextBlob":")" + world.blob + "\"," + world.context + "}");
  run(state, world, identity, "Enfold.BatchDecrypt", body + "]}");
  state.counters["one_entry"] =
      benchmark::Counter(static_cast<double>(kMaxBatchEntries),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

BENCHMARK_CAPTURE(ping, unix, Identity::kUnix);
BENCHMARK_CAPTURE(ping, signed, Identity::kSigned);
BENCHMARK_CAPTURE(decrypt, unix, Identity::kUnix);
BENCHMARK_CAPTURE(decrypt, signed, Identity::kSigned);
BENCHMARK_CAPTURE(generate_data_key, unix, Identity::kUnix);
BENCHMARK_CAPTURE(generate_data_key, signed, Identity::kSigned);
BENCHMARK_CAPTURE(describe_key, unix, Identity::kUnix);
BENCHMARK_CAPTURE(batch_decrypt, unix, Identity::kUnix);

}  // namespace
}  // namespace enfold

BENCHMARK_MAIN();
