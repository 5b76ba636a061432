// The key service itself: what AWS KMS does for symmetric keys, without sockets, HTTP or JSON. Checks follow
// AWS's order: validate, resolve the key, its state, then the cryptography; errors carry AWS's messages
// (kms/README.md names which of them are not verified) and an Errc for each of AWS's classes.
//
// Thread-safe. A lock is held while the store is looked at, not while anything is encrypted. What another
// process commits to the same store is seen by the next call. Every call may also answer kStoreTampered,
// kBusy (another process holds the store's write lock) or kSystem.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "kms/base/clock.h"
#include "kms/base/entropy.h"
#include "kms/engine/ciphertext_blob.h"
#include "kms/engine/operations.h"
#include "kms/store/passphrase_source.h"

namespace enfold {

class Store;
class KeyTable;
struct Key;

class Engine {
 public:
  // `entropy` and `clock` outlive the engine.
  Engine(std::unique_ptr<Store> store, Entropy& entropy, Clock& clock);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  Result<KeyMetadata> create_key(const CallScope& scope, const CreateKeyRequest& request);
  Result<KeyMetadata> describe_key(const CallScope& scope, const std::string& key_id);
  Result<ListKeysAnswer> list_keys(const CallScope& scope, const ListKeysRequest& request);
  Result<void> enable_key(const CallScope& scope, const std::string& key_id);
  Result<void> disable_key(const CallScope& scope, const std::string& key_id);
  // Answers the key's ARN. New calls use the new material, what was encrypted before still decrypts. At most
  // 25 times a key.
  Result<std::string> rotate_key_on_demand(const CallScope& scope, const std::string& key_id);

  Result<EncryptAnswer> encrypt(const CallScope& scope, const EncryptRequest& request);
  Result<DecryptAnswer> decrypt(const CallScope& scope, const DecryptRequest& request);
  // Many of them under one key with one look at the store; not AWS's. One answer for each entry, in order;
  // the whole fails for what concerns all of them: the key, or no entry, or more than kMaxBatchEntries.
  Result<std::vector<Result<EncryptAnswer>>> encrypt_batch(const CallScope& scope, const std::string& key_id,
                                                           std::span<const BatchEncryptEntry> entries);
  Result<std::vector<Result<DecryptAnswer>>> decrypt_batch(const CallScope& scope, const std::string& key_id,
                                                           std::span<const BatchDecryptEntry> entries);
  Result<ReEncryptAnswer> re_encrypt(const CallScope& scope, const ReEncryptRequest& request);
  Result<GenerateDataKeyAnswer> generate_data_key(const CallScope& scope,
                                                  const GenerateDataKeyRequest& request);
  Result<GenerateDataKeyAnswer> generate_data_key_without_plaintext(const CallScope& scope,
                                                                    const GenerateDataKeyRequest& request);
  Result<WipedBytes> generate_random(const GenerateRandomRequest& request);

 private:
  using KeyPointer = std::shared_ptr<const Key>;
  Result<KeyPointer> find(const CallScope& scope, const std::string& key_id);
  Result<KeyPointer> find_enabled(const CallScope& scope, const std::string& key_id);
  Result<KeyPointer> find_for_blob(const CallScope& scope, const std::optional<std::string>& key_id,
                                   const KeyId& id_in_blob);
  Result<void> set_state(const CallScope& scope, const std::string& key_id, KeyState state);
  Result<DecryptAnswer> open(const CallScope& scope, const std::optional<std::string>& key_id, ByteSpan blob,
                             const EncryptionContext& context);
  Bytes seal(const Key& key, const EncryptionContext& context, ByteSpan plaintext);

  Entropy& entropy_;
  Clock& clock_;
  std::mutex mutex_;  // guards keys_ and the store in it
  std::unique_ptr<KeyTable> keys_;
};

// Opens the store at `dir` (kms/store/store_admin.h makes one) with the system's randomness and clock.
// kStoreMissing: no store or no root.key there. kWrongRootKey: passphrase, credential or key file does not
// open it. kStoreTampered: its rows do not verify.
Result<std::unique_ptr<Engine>> open_embedded_engine(const std::string& dir, PassphraseSource& passphrase);

}  // namespace enfold
