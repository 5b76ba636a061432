// What re-wrapping one file's key costs without the lower filesystem, call by call and as a whole, with the
// embedded KMS, whose store lies in TMPDIR. Figures, not a test.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "fs/volume/key_cache.h"
#include "tests/format/support.h"
#include "tests/kms/support.h"

namespace enfold {
namespace {

using format_test::sample_file;
using format_test::sample_header;
using format_test::sample_keys;
using format_test::sample_volume;

// Whatever fails here is a fault of this program.
template <class T>
T good(Result<T> result) {
  if (!result) std::abort();
  return *std::move(result);
}

std::unique_ptr<Engine> new_engine(const std::string& dir) {
  make_store(dir);
  return open_engine(dir);
}

struct Kms {
  [[nodiscard]] DecryptAnswer decrypt(ByteSpan ciphertext) const {
    return good(engine->decrypt(local_scope(), {ciphertext, key, context}));
  }
  [[nodiscard]] EncryptAnswer encrypt(ByteSpan plaintext) const {
    return good(engine->encrypt(local_scope(), {key, plaintext, context}));
  }

  TempDir directory;
  std::unique_ptr<Engine> engine = new_engine(directory / "kms");
  std::string key = make_key(*engine);
  EncryptionContext context = file_key_context(sample_volume(), sample_file());
};

// A header as a volume has it, with one recipient.
HeaderPage page_for(const Kms& kms, const DataKey& data_key, const VolumeKeys& keys) {
  HeaderPage page = sample_header();
  const FileKey key = keys.file_key(data_key, prefix_of(page).first<kPrefixBoundBytes>());
  set_commitment(file_commitment(key), prefix_of(page));
  Recipient recipient;
  recipient.key_arn = kms.key;
  recipient.ciphertext = kms.encrypt(data_key.expose()).ciphertext;
  if (!finish_header({1, {std::move(recipient)}}, {}, keys, sample_file(), page)) std::abort();
  return page;
}

struct File {
  Kms kms;
  VolumeKeys keys = sample_keys();
  DataKey data_key = format_test::sample_data_key();
  HeaderPage page = page_for(kms, data_key, keys);
  Header header = good(decode_header(page, keys));
};

void slot_mac(benchmark::State& state) {
  const VolumeKeys keys = sample_keys();
  for ([[maybe_unused]] auto _ : state)  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    benchmark::DoNotOptimize(keys.slot_mac(sample_file()));
}

void decode_page(benchmark::State& state) {
  File file;
  for ([[maybe_unused]] auto _ : state)  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    benchmark::DoNotOptimize(good(decode_header(file.page, file.keys)));
}

void write_slot(benchmark::State& state) {
  File file;
  const MacKey key = file.keys.slot_mac(sample_file());
  for ([[maybe_unused]] auto _ : state)  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    if (!encode_slot(file.header.envelope, {prefix_of(file.page), 1, key}, slot_of(file.page, 1)))
      state.SkipWithError("encode_slot");
}

void commitment(benchmark::State& state) {
  File file;
  for ([[maybe_unused]] auto _ : state)  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    benchmark::DoNotOptimize(
        file_commitment(file.keys.file_key(file.data_key, prefix_of(file.page).first<kPrefixBoundBytes>())));
}

void context(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state)  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    benchmark::DoNotOptimize(file_key_context(sample_volume(), sample_file()));
}

void decrypt(benchmark::State& state) {
  File file;
  for ([[maybe_unused]] auto _ : state)  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    benchmark::DoNotOptimize(file.kms.decrypt(file.header.envelope.recipients.front().ciphertext));
}

void encrypt(benchmark::State& state) {
  File file;
  for ([[maybe_unused]] auto _ : state)  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    benchmark::DoNotOptimize(file.kms.encrypt(file.data_key.expose()));
}

// All of it, as for each file: verified before anything is written.
void rewrap(benchmark::State& state) {
  File file;
  for ([[maybe_unused]] auto _ : state) {  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    Header header = good(decode_header(file.page, file.keys));
    const DecryptAnswer old = file.kms.decrypt(header.envelope.recipients.front().ciphertext);
    const FileKey key = file.keys.file_key(DataKey(old.plaintext.expose().first<32>()),
                                           prefix_of(file.page).first<kPrefixBoundBytes>());
    if (!equal_in_constant_time(file_commitment(key), header.prefix.commitment)) std::abort();
    EncryptAnswer wrapped = file.kms.encrypt(old.plaintext.expose());
    const DecryptAnswer again = file.kms.decrypt(wrapped.ciphertext);
    if (!equal_in_constant_time(old.plaintext.expose(), again.plaintext.expose())) std::abort();
    header.envelope.generation += 1;
    header.envelope.recipients.front().ciphertext = std::move(wrapped.ciphertext);
    HeaderPage page = file.page;
    if (!encode_slot(header.envelope, {prefix_of(page), 1, file.keys.slot_mac(sample_file())},
                     slot_of(page, 1)))
      std::abort();
    benchmark::DoNotOptimize(page);
  }
}

BENCHMARK(slot_mac);
BENCHMARK(decode_page);
BENCHMARK(write_slot);
BENCHMARK(commitment);
BENCHMARK(context);
BENCHMARK(decrypt);
BENCHMARK(encrypt);
BENCHMARK(rewrap)->ThreadRange(1, 2);

}  // namespace
}  // namespace enfold

BENCHMARK_MAIN();
