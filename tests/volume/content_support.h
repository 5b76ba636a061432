// One file on a real lower filesystem, and all that its content stands on, with the fakes in reach of a test.
#pragma once

#include <gtest/gtest.h>

#include <mutex>

#include "fs/volume/file_body.h"
#include "tests/format/support.h"
#include "tests/volume/fake_kms.h"
#include "tests/volume/faulty_files.h"

namespace enfold {

class ManualClock final : public Clock {
 public:
  std::int64_t monotonic_ns() override { return now_ns_; }
  std::int64_t unix_ms() override { return now_ns_ / 1'000'000; }
  void advance_ms(std::int64_t ms) { now_ns_ += ms * 1'000'000; }

 private:
  std::atomic<std::int64_t> now_ns_{1'000'000'000};
};

// Seeded, and safe for many threads.
class SharedEntropy final : public Entropy {
 public:
  explicit SharedEntropy(std::uint64_t seed) : seeded_(seed) {}
  void fill(std::span<std::uint8_t> out) override {
    std::lock_guard lock(mutex_);
    seeded_.fill(out);
  }
  std::uint64_t below(std::uint64_t limit) {
    std::lock_guard lock(mutex_);
    return seeded_.below(limit);
  }

 private:
  std::mutex mutex_;
  format_test::SeededEntropy seeded_;
};

// The name of the failing step where a Result holds an error.
template <class T>
testing::AssertionResult is_ok(const Result<T>& result) {
  if (result) return testing::AssertionSuccess();
  return testing::AssertionFailure() << name_of(result.error().code) << ": " << describe(result.error());
}

// Code of the error, or nothing where there is none.
template <class T>
std::optional<Errc> code_of(const Result<T>& result) {
  return result ? std::nullopt : std::optional(result.error().code);
}

// A lower file without a name: nothing is left behind, whatever happens.
class LowerFile {
 public:
  LowerFile();
  [[nodiscard]] Fd descriptor(int flags = O_RDWR) const;
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] Bytes bytes() const;
  void replace(ByteSpan content);  // the whole file
  void put(std::uint64_t offset, ByteSpan bytes);
  void truncate(std::uint64_t size);
  [[nodiscard]] timespec modification_time() const;

 private:
  mutable PosixFiles files_;
  Fd fd_;
};

struct ContentWorld {
  explicit ContentWorld(std::uint64_t salt = 0) : entropy(format_test::test_seed() + salt) {}

  std::shared_ptr<FileBody> create();
  Result<std::shared_ptr<FileBody>> open(bool writable = true);
  // seal() and open(), both of which must succeed; the keys are unwrapped anew.
  std::shared_ptr<FileBody> reopen(std::shared_ptr<FileBody> body);
  // The state record as it is on disk.
  StateRecord record();
  // Writes a state record with a good MAC.
  void put_record(const StateRecord& record);

  SharedEntropy entropy;
  ManualClock clock;
  FaultyFiles files;
  VolumeKeys keys = format_test::sample_keys();
  FakeKms kms{entropy};
  KeyCache cache{kms, keys, clock, entropy, kFakeKeyArn, {}};
  Epochs epochs{CrashEpoch{1, 1}, CrashEpoch{1, 0}, false};
  VolumeContext context{files, entropy, clock, keys, cache, epochs, false};
  LowerFile lower;
};

Bytes random_bytes(SharedEntropy& entropy, std::size_t size);
// The whole content, read in one request.
Result<Bytes> content_of(FileBody& body);

}  // namespace enfold
