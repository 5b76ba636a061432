#include "fs/volume/key_cache.h"

#include "fs/volume/kms_answers.h"

namespace enfold {
namespace {

ByteSpan commitment_of(ConstPrefixSpan prefix) { return prefix.subspan<kPrefixBoundBytes>(); }

std::string data_key_of(const FileId& file) { return "the data key of file " + file.hex(); }

// An errno of the key store must not be taken for one of the lower file.
std::unexpected<Error> for_data_key_of(const FileId& file, Error error) {
  if (error.code != Errc::kSystem) return add_context(std::move(error), data_key_of(file));
  return make_error(Errc::kKmsUnavailable, data_key_of(file) + ": " + describe(error));
}

}  // namespace

ContentCipher& FileKeys::content(std::uint8_t key_epoch) {
  std::lock_guard lock(mutex_);
  auto& cipher = ciphers_[key_epoch];
  if (!cipher) cipher = std::make_unique<ContentCipher>(content_key(key_, key_epoch));
  return *cipher;
}

KeyCache::KeyCache(KmsClient& kms, const VolumeKeys& volume_keys, Clock& clock, Entropy& entropy,
                   std::string key_arn, Limits limits)
    : kms_(kms),
      volume_keys_(volume_keys),
      clock_(clock),
      entropy_(entropy),
      limits_(limits),
      key_arn_(std::move(key_arn)) {}

void KeyCache::fetch_ahead() { pool_ = std::make_unique<DataKeyPool>(static_cast<DataKeySource&>(*this)); }

// A KMS in this process is our own code, and opens what it wraps: a second call would slow the making of
// files down for nothing.
Result<ReadyDataKey> KeyCache::fetch_for_new_file() {
  if (kms_.is_in_this_process()) return generate(FileId::random(entropy_));
  if (pool_ != nullptr)
    if (auto ready = pool_->take(clock_.monotonic_ns())) return *std::move(ready);
  return fetch(FileId::random(entropy_));
}

Result<ReadyDataKey> KeyCache::fetch(const FileId& file) {
  ENFOLD_TRY_ASSIGN(ReadyDataKey made, generate(file));
  ENFOLD_TRY(check_opens({&made, 1}));
  return made;
}

Result<ReadyDataKey> KeyCache::generate(const FileId& file) {
  const std::int64_t until_ns = good_until_ns();  // counted from before the question
  const std::string key_arn = wrapping_key();
  auto answer = kms_.generate_data_key(key_arn, file_key_context(volume_keys_.volume(), file));
  if (!answer) return for_data_key_of(file, std::move(answer).error());
  if (auto good = check_generated(*answer, key_arn); !good)
    return for_data_key_of(file, std::move(good).error());
  return ReadyDataKey{file, *std::move(answer), until_ns};
}

Result<void> KeyCache::check_opens(std::span<ReadyDataKey> keys) {
  std::vector<EncryptionContext> contexts;
  contexts.reserve(keys.size());
  for (const ReadyDataKey& key : keys) contexts.push_back(file_key_context(volume_keys_.volume(), key.file));
  std::vector<GeneratedItem> items;
  items.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) items.push_back({keys[i].key, contexts[i]});
  auto opened = check_kms_opens(kms_, items);
  if (!opened) return for_data_key_of(keys.front().file, std::move(opened).error());
  return opened;
}

NewFileKeys KeyCache::make(PrefixSpan prefix, ReadyDataKey fetched) {
  FileKey key = volume_keys_.file_key(fetched.key.plaintext, prefix.first<kPrefixBoundBytes>());
  const Digest commitment = file_commitment(key);
  set_commitment(commitment, prefix);
  auto keys = std::make_shared<FileKeys>(std::move(key), fetched.good_until_ns);
  remember(fetched.file, commitment, keys);
  Envelope envelope{1,
                    {{Provider::kAwsKms, std::move(fetched.key.key_arn), std::move(fetched.key.ciphertext),
                      std::move(fetched.key.material_id)}}};
  return NewFileKeys{std::move(keys), std::move(envelope)};
}

Result<std::shared_ptr<FileKeys>> KeyCache::unwrap(ConstPrefixSpan prefix, const FileId& file,
                                                   const Envelope& envelope) {
  if (auto keys = cached(file, commitment_of(prefix))) return keys;
  Error first{Errc::kDamaged, 0, "the envelope of file " + file.hex() + " names no recipient"};
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
    auto keys = ask(prefix, file, envelope.recipients[i]);
    if (keys) {
      remember(file, commitment_of(prefix), *keys);
      return keys;
    }
    if (i == 0) first = std::move(keys).error();
  }
  return std::unexpected(std::move(first));
}

Result<std::shared_ptr<FileKeys>> KeyCache::ask(ConstPrefixSpan prefix, const FileId& file,
                                                const Recipient& recipient) {
  const std::int64_t until_ns = good_until_ns();
  DataKey data_key;
  auto answer = kms_.decrypt(recipient.key_arn, recipient.ciphertext,
                             file_key_context(volume_keys_.volume(), file), data_key.expose_mutable());
  if (!answer) return add_context(std::move(answer).error(), data_key_of(file));
  FileKey key = volume_keys_.file_key(data_key, prefix.first<kPrefixBoundBytes>());
  if (!equal_in_constant_time(file_commitment(key), commitment_of(prefix)))
    return make_error(Errc::kKmsBadAnswer, "the KMS answered a key that is not " + data_key_of(file) +
                                               "; check which KMS the volume is pinned to");
  return std::make_shared<FileKeys>(std::move(key), until_ns);
}

std::shared_ptr<FileKeys> KeyCache::cached(const FileId& file, ByteSpan commitment) {
  const std::int64_t now_ns = clock_.monotonic_ns();
  std::lock_guard lock(mutex_);
  drop_expired(now_ns);
  auto found = by_file_.find(file);
  if (found == by_file_.end()) return nullptr;
  const Entry& entry = *found->second;
  // A header with another commitment under a known file id gets no keys that were verified for the known one.
  return equal_in_constant_time(entry.commitment, commitment) ? entry.keys : nullptr;
}

void KeyCache::remember(const FileId& file, ByteSpan commitment, std::shared_ptr<FileKeys> keys) {
  Entry entry{file, {}, std::move(keys)};
  std::ranges::copy(commitment, entry.commitment.begin());
  std::lock_guard lock(mutex_);
  drop(file);
  while (by_age_.size() >= limits_.max_entries && !by_age_.empty()) drop(FileId(by_age_.front().file));
  by_age_.push_back(std::move(entry));
  by_file_[file] = std::prev(by_age_.end());
}

void KeyCache::forget(const FileId& file) {
  std::lock_guard lock(mutex_);
  drop(file);
}

void KeyCache::wrap_under(std::string key_arn) {
  const std::unique_lock none_in_the_making(making_);
  {
    const std::lock_guard lock(mutex_);
    key_arn_ = std::move(key_arn);
  }
  if (pool_ != nullptr) pool_->drop();
}

std::string KeyCache::wrapping_key() {
  const std::lock_guard lock(mutex_);
  return key_arn_;
}

void KeyCache::drop(const FileId& file) {
  auto found = by_file_.find(file);
  if (found == by_file_.end()) return;
  by_age_.erase(found->second);
  by_file_.erase(found);
}

void KeyCache::drop_expired(std::int64_t now_ns) {
  while (!by_age_.empty() && by_age_.front().keys->good_until_ns() <= now_ns)
    drop(FileId(by_age_.front().file));
}

EncryptionContext file_key_context(const VolumeId& volume, const FileId& file) {
  return {{"enfold:purpose", "file-key"}, {"enfold:volume", volume.hex()}, {"enfold:file", file.hex()}};
}

EncryptionContext volume_secret_context(const VolumeId& volume) {
  return {{"enfold:purpose", "volume-secret"}, {"enfold:volume", volume.hex()}};
}

}  // namespace enfold
