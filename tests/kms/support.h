// What the tests of the KMS share.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kms/base/clock.h"
#include "kms/engine/engine.h"
#include "kms/store/root_key.h"

namespace enfold {

// A directory of its own under TMPDIR, gone afterwards.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class FixedPassphrase final : public PassphraseSource {
 public:
  explicit FixedPassphrase(std::string text = "correct horse") : text_(std::move(text)) {}
  Result<Bytes> passphrase() override {
    ++asked;
    return Bytes(text_.begin(), text_.end());
  }
  int asked = 0;

 private:
  std::string text_;
};

class ManualClock final : public Clock {
 public:
  std::int64_t monotonic_ns() override { return now_ms * 1'000'000; }
  std::int64_t unix_ms() override { return now_ms; }
  std::int64_t now_ms = 1'700'000'000'000;
};

// A store with a generated root key at `dir`, which the test's end removes with its TempDir.
void make_store(const std::string& dir);
std::unique_ptr<Engine> open_engine(const std::string& dir);
// An enabled key in local_scope(); its ARN.
std::string make_key(Engine& engine);

// Statements on a connection of their own, as somebody with the database file at hand would run them.
void raw_sql(const std::string& dir, const std::string& sql);
Bytes raw_blob(const std::string& dir, const std::string& query);

// Lines of tests/vectors/kms/NAME, split at spaces, without comments.
std::vector<std::vector<std::string>> vectors(const std::string& name);
Bytes vector_bytes(const std::string& field);  // "-" is empty

// "ok", or name_of the error.
template <class T>
std::string outcome(const Result<T>& result) {
  return result ? "ok" : std::string(name_of(result.error().code));
}

// From ENFOLD_TEST_SEED, else random; printed.
std::uint64_t test_seed();

}  // namespace enfold
