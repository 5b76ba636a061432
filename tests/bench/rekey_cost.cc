// What re-wrapping one file's key costs without the lower filesystem, call by call and as a whole, with the
// embedded KMS, whose store lies in TMPDIR. Figures, not a test.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "fs/volume/key_cache.h"
#include "kms/client/embedded_kms.h"
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
  std::shared_ptr<Engine> engine = new_engine(directory / "kms");
  std::string key = make_key(*engine);
  std::unique_ptr<KmsClient> client = make_embedded_kms(engine);
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

constexpr std::size_t kBatchFiles = 256;

void count_files(benchmark::State& state) {
  state.counters["one_file"] =
      benchmark::Counter(static_cast<double>(kBatchFiles),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void decrypt_batch(benchmark::State& state) {
  File file;
  const std::vector<DecryptItem> items(
      kBatchFiles, {file.header.envelope.recipients.front().ciphertext, file.kms.context});
  for ([[maybe_unused]] auto _ : state)  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    benchmark::DoNotOptimize(file.kms.client->decrypt_batch(file.kms.key, items));
  count_files(state);
}

void encrypt_batch(benchmark::State& state) {
  File file;
  const std::vector<EncryptItem> items(kBatchFiles, {file.data_key, file.kms.context});
  for ([[maybe_unused]] auto _ : state)  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    benchmark::DoNotOptimize(file.kms.client->encrypt_batch(file.kms.key, items));
  count_files(state);
}

// What one batch of rekey holds of a file.
struct Rewrapped {
  HeaderPage page;
  Header header;
  EncryptionContext context;
};

// All of it for a batch of files; verified before anything is written. The figure is for one file.
void rewrap(benchmark::State& state) {
  File file;
  const std::size_t count = kBatchFiles;
  const std::string& key = file.kms.key;
  for ([[maybe_unused]] auto _ : state) {  // NOLINT(clang-analyzer-deadcode.DeadStores): its idiom
    std::vector<Rewrapped> files;
    std::vector<DecryptItem> old_keys;
    std::vector<DecryptItem> new_keys;
    std::vector<EncryptItem> data_keys;
    files.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      Rewrapped& next = files.emplace_back(file.page, good(decode_header(file.page, file.keys)),
                                           file_key_context(sample_volume(), sample_file()));
      old_keys.emplace_back(next.header.envelope.recipients.front().ciphertext, next.context);
    }
    const auto old = file.kms.client->decrypt_batch(key, old_keys);
    for (std::size_t i = 0; i < count; ++i) {
      const FileKey file_key =
          file.keys.file_key(old[i]->plaintext, prefix_of(files[i].page).first<kPrefixBoundBytes>());
      if (!equal_in_constant_time(file_commitment(file_key), files[i].header.prefix.commitment)) std::abort();
      data_keys.emplace_back(old[i]->plaintext, files[i].context);
    }
    const auto wrapped = file.kms.client->encrypt_batch(key, data_keys);
    for (std::size_t i = 0; i < count; ++i) new_keys.emplace_back(*wrapped[i], files[i].context);
    const auto again = file.kms.client->decrypt_batch(key, new_keys);
    for (std::size_t i = 0; i < count; ++i) {
      if (!equal_in_constant_time(old[i]->plaintext.expose(), again[i]->plaintext.expose())) std::abort();
      const Envelope next{2, {{Provider::kAwsKms, key, *wrapped[i], again[i]->material_id}}};
      HeaderPage& page = files[i].page;
      const MacKey slot_key = file.keys.slot_mac(sample_file());
      if (!encode_slot(next, {prefix_of(page), 1, slot_key}, slot_of(page, 1))) std::abort();
      benchmark::DoNotOptimize(page);
    }
  }
  count_files(state);
}

BENCHMARK(slot_mac);
BENCHMARK(decode_page);
BENCHMARK(write_slot);
BENCHMARK(commitment);
BENCHMARK(context);
BENCHMARK(decrypt);
BENCHMARK(encrypt);
BENCHMARK(decrypt_batch);
BENCHMARK(encrypt_batch);
BENCHMARK(rewrap)->ThreadRange(1, 2);

}  // namespace
}  // namespace enfold

BENCHMARK_MAIN();
