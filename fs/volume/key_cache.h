// Data keys of files: made and unwrapped by the KMS, kept for a bounded time and in a bounded number, so that
// revoking a key takes effect within that time (DESIGN: ENOKEY, EKEYREVOKED, EACCES; no fallback to an old
// key).
#pragma once

#include <cstring>
#include <list>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "fs/format/header.h"
#include "fs/format/keys.h"
#include "fs/volume/content_cipher.h"
#include "fs/volume/data_key_pool.h"
#include "fs/volume/fair_shared_mutex.h"
#include "kms/base/clock.h"
#include "kms/client/kms_client.h"

namespace enfold {

// The keys of one file, verified against its commitment. Immutable but for the ciphers' own pools;
// thread-safe.
class FileKeys {
 public:
  FileKeys(FileKey key, std::int64_t good_until_ns) : key_(std::move(key)), good_until_ns_(good_until_ns) {}

  // Ciphers by key epoch, made when first asked for.
  ContentCipher& content(std::uint8_t key_epoch);

  // Past this (Clock::monotonic_ns) the keys must not be used: ask the cache again.
  [[nodiscard]] std::int64_t good_until_ns() const { return good_until_ns_; }

 private:
  FileKey key_;
  std::int64_t good_until_ns_;
  std::mutex mutex_;
  std::unordered_map<std::uint8_t, std::unique_ptr<ContentCipher>> ciphers_;
};

struct NewFileKeys {
  std::shared_ptr<FileKeys> keys;
  Envelope envelope;  // generation 1
};

// Thread-safe. No lock is held while the KMS is asked.
class KeyCache : private DataKeySource {
 public:
  struct Limits {
    std::int64_t max_age_ns = std::int64_t{60} * 1'000'000'000;
    std::size_t max_entries = 10'000;
  };

  // `key_arn` wraps new files' keys; what is referred to outlives the cache.
  KeyCache(KmsClient& kms, const VolumeKeys& volume_keys, Clock& clock, Entropy& entropy, std::string key_arn,
           Limits limits);

  // A data key for `file` from the KMS, which has opened again what it wrapped. kKmsBadAnswer where that
  // gives another one, and as check_generated().
  Result<ReadyDataKey> fetch(const FileId& file);
  // One for a file to be made, which gets the id that comes with it: fetched ahead, or now.
  Result<ReadyDataKey> fetch_for_new_file();
  // Completes `prefix` (whose other fields are set) with the commitment. The keys are cached under the file
  // id.
  NewFileKeys make(PrefixSpan prefix, ReadyDataKey fetched);

  // From now on data keys of new files are fetched ahead, by a thread, where the KMS is not in this process.
  void fetch_ahead();

  // Cached, or unwrapped by the KMS and checked against the prefix's commitment: kKmsBadAnswer where the
  // answer is not this file's key. Errors of the KMS as they are.
  Result<std::shared_ptr<FileKeys>> unwrap(ConstPrefixSpan prefix, const FileId& file,
                                           const Envelope& envelope);

  void forget(const FileId& file);

  // Hold one from before a key is fetched until the envelope is in the lower file.
  using Making = std::shared_lock<FairSharedMutex>;
  [[nodiscard]] Making making() { return Making(making_); }
  // From now on `key_arn` wraps new files' keys, by its material of now. Waits for those being made.
  void wrap_under(std::string key_arn);

  [[nodiscard]] KmsClient& kms() { return kms_; }

 private:
  struct FileIdHash {
    // File ids are random, so any eight bytes of one are a hash.
    std::size_t operator()(const FileId& file) const noexcept {
      std::size_t hash = 0;
      std::memcpy(&hash, file.bytes.data(), sizeof(hash));
      return hash;
    }
  };
  struct Entry {
    FileId file;
    Digest commitment;
    std::shared_ptr<FileKeys> keys;
  };
  // All entries live equally long, so the order of age is the order of expiry.
  using Entries = std::list<Entry>;

  [[nodiscard]] std::int64_t good_until_ns() const { return clock_.monotonic_ns() + limits_.max_age_ns; }
  Result<ReadyDataKey> generate(const FileId& file);
  Result<ReadyDataKey> generate() override { return generate(FileId::random(entropy_)); }
  Result<void> check_opens(std::span<ReadyDataKey> keys) override;
  std::shared_ptr<FileKeys> cached(const FileId& file, ByteSpan commitment);
  Result<std::shared_ptr<FileKeys>> ask(ConstPrefixSpan prefix, const FileId& file,
                                        const Recipient& recipient);
  void remember(const FileId& file, ByteSpan commitment, std::shared_ptr<FileKeys> keys);
  std::string wrapping_key();
  void drop(const FileId& file);           // mutex_ is held
  void drop_expired(std::int64_t now_ns);  // mutex_ is held

  KmsClient& kms_;
  const VolumeKeys& volume_keys_;
  Clock& clock_;
  Entropy& entropy_;
  Limits limits_;
  FairSharedMutex making_;
  std::mutex mutex_;  // guards what follows
  std::string key_arn_;
  Entries by_age_;  // the oldest first
  std::unordered_map<FileId, Entries::iterator, FileIdHash> by_file_;
  std::unique_ptr<DataKeyPool>
      pool_;  // the last member: its thread asks the rest. Null: nothing is fetched ahead
};

// The KMS encryption contexts of format version 1.
EncryptionContext file_key_context(const VolumeId& volume, const FileId& file);
EncryptionContext volume_secret_context(const VolumeId& volume);

}  // namespace enfold
