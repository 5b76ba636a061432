// Data keys of files: made and unwrapped by the KMS, kept for a bounded time and in a bounded number, so that
// revoking a key takes effect within that time (DESIGN: ENOKEY, EKEYREVOKED, EACCES; no fallback to an old
// key).
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "fs/format/header.h"
#include "fs/format/keys.h"
#include "fs/volume/content_cipher.h"
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
class KeyCache {
 public:
  struct Limits {
    std::int64_t max_age_ns = std::int64_t{60} * 1'000'000'000;
    std::size_t max_entries = 10'000;
  };

  // `key_arn` wraps new files' keys.
  KeyCache(KmsClient& kms, const VolumeKeys& volume_keys, Clock& clock, std::string key_arn, Limits limits);

  // Asks the KMS for a new file's data key, and completes `prefix` (whose other fields are set) with the
  // commitment. The keys are cached under the prefix's file id.
  Result<NewFileKeys> make(PrefixSpan prefix, const FileId& file);

  // Cached, or unwrapped by the KMS and checked against the prefix's commitment: kKmsBadAnswer where the
  // answer is not this file's key. Errors of the KMS as they are.
  Result<std::shared_ptr<FileKeys>> unwrap(ConstPrefixSpan prefix, const FileId& file,
                                           const Envelope& envelope);

  void forget(const FileId& file);

 private:
  void remember(const FileId& file, std::shared_ptr<FileKeys> keys);

  KmsClient& kms_;
  const VolumeKeys& volume_keys_;
  Clock& clock_;
  std::string key_arn_;
  Limits limits_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<FileKeys>> entries_;
};

// The KMS encryption contexts of format version 1.
EncryptionContext file_key_context(const VolumeId& volume, const FileId& file);
EncryptionContext volume_secret_context(const VolumeId& volume);

}  // namespace enfold
