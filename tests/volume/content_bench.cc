// What the data path costs by itself: one file, no kernel filesystem above, TMPDIR beneath. Not a test.
#include <tuple>

#include <benchmark/benchmark.h>

#include "tests/volume/content_support.h"

namespace enfold {
namespace {

constexpr std::uint64_t kFileBytes = std::uint64_t{64} << 20;

struct Bench {
  Bench() {
    Bytes block(1 << 20, 0x5a);
    for (std::uint64_t at = 0; at < kFileBytes; at += block.size()) std::ignore = body->write(at, block);
  }

  SystemEntropy entropy;
  SystemClock clock;
  PosixFiles files;
  VolumeKeys keys = format_test::sample_keys();
  FakeKms kms{entropy};
  KeyCache cache{kms, keys, clock, entropy, kFakeKeyArn, {}};
  Epochs epochs{CrashEpoch{1, 1}, CrashEpoch{1, 0}, false};
  VolumeContext context{files, entropy, clock, keys, cache, epochs, false};
  LowerFile lower;
  std::shared_ptr<FileBody> body =
      FileBody::create(context, FileBody::prepare(context).value(), lower.descriptor(), DirectoryId{})
          .value();
  format_test::SeededEntropy random{1};
};

void sequential_write(benchmark::State& state) {
  Bench bench;
  Bytes block(static_cast<std::size_t>(state.range(0)), 0x5a);
  std::uint64_t at = 0;
  for ([[maybe_unused]] auto _ : state) {  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    if (!bench.body->write(at, block)) state.SkipWithError("write");
    at = (at + block.size()) % (kFileBytes - block.size());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void append(benchmark::State& state) {
  Bench bench;
  Bytes block(static_cast<std::size_t>(state.range(0)), 0x5a);
  for ([[maybe_unused]] auto _ : state) {  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    if (bench.body->length() > 4 * kFileBytes && !bench.body->resize(0)) state.SkipWithError("resize");
    if (!bench.body->write(bench.body->length(), block)) state.SkipWithError("write");
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void sequential_read(benchmark::State& state) {
  Bench bench;
  Bytes block(static_cast<std::size_t>(state.range(0)));
  std::uint64_t at = 0;
  for ([[maybe_unused]] auto _ : state) {  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    if (!bench.body->read(at, block)) state.SkipWithError("read");
    at = (at + block.size()) % (kFileBytes - block.size());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void random_read(benchmark::State& state) {
  Bench bench;
  Bytes block(4096);
  for ([[maybe_unused]] auto _ : state)  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    if (!bench.body->read(bench.random.below(kFileBytes / 4096) * 4096, block)) state.SkipWithError("read");
  state.SetBytesProcessed(state.iterations() * 4096);
}

void random_write(benchmark::State& state) {
  Bench bench;
  Bytes block(4096);
  for ([[maybe_unused]] auto _ : state)  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    if (!bench.body->write(bench.random.below(kFileBytes / 4096) * 4096, block)) state.SkipWithError("write");
  state.SetBytesProcessed(state.iterations() * 4096);
}

void make_small_file(benchmark::State& state) {
  Bench bench;
  const Bytes block(1000);
  for ([[maybe_unused]] auto _ : state) {  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    LowerFile lower;
    auto body = FileBody::create(bench.context, FileBody::prepare(bench.context).value(), lower.descriptor(),
                                 DirectoryId{});
    if (!body || !(*body)->write(0, block) || !(*body)->seal(0)) state.SkipWithError("create");
  }
}

BENCHMARK(sequential_write)->Arg(128 << 10)->Arg(1 << 20);
BENCHMARK(append)->Arg(4 << 10)->Arg(128 << 10)->Arg(1 << 20);
BENCHMARK(sequential_read)->Arg(128 << 10)->Arg(1 << 20);
BENCHMARK(random_read);
BENCHMARK(random_write);
BENCHMARK(make_small_file);

}  // namespace
}  // namespace enfold

BENCHMARK_MAIN();
