// The key service itself: what AWS KMS does for symmetric keys, without sockets, HTTP or JSON. Checks follow
// AWS's order: validate, resolve the key, authorise, its state, its usage, the operation, and DryRun last
// (engine_admission.cc); errors carry AWS's messages (kms/README.md names which of them are not verified) and
// an Errc for each of AWS's classes.
//
// Thread-safe. A lock is held while the store is looked at, not while anything is encrypted. What another
// process commits to the same store is seen by the next call. Every call may also answer kStoreTampered,
// kBusy (another process holds the store's write lock) or kSystem.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kms/base/clock.h"
#include "kms/base/entropy.h"
#include "kms/engine/ciphertext_blob.h"
#include "kms/engine/operations.h"
#include "kms/engine/principals.h"
#include "kms/store/passphrase_source.h"

namespace enfold {

class Store;
enum class Operation : std::uint8_t;
struct Alias;
struct Key;
struct RowChange;
struct Tables;

class Engine {
 public:
  // `entropy` and `clock` outlive the engine.
  Engine(std::unique_ptr<Store> store, Entropy& entropy, Clock& clock);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  // Keys. `key_id` is an id or an ARN; only describe_key takes an alias as well, and makes the key of a
  // predefined alias/aws/SERVICE where there is none yet.
  Result<KeyMetadata> create_key(const KmsCaller& caller, const CreateKeyRequest& request);
  Result<KeyMetadata> describe_key(const KmsCaller& caller, const std::string& key_id,
                                   const std::vector<std::string>& grant_tokens = {});
  Result<ListKeysAnswer> list_keys(const KmsCaller& caller, const ListKeysRequest& request);
  Result<void> enable_key(const KmsCaller& caller, const std::string& key_id);
  Result<void> disable_key(const KmsCaller& caller, const std::string& key_id);
  Result<void> update_key_description(const KmsCaller& caller, const std::string& key_id,
                                      const std::string& description);

  Result<void> tag_resource(const KmsCaller& caller, const std::string& key_id, const std::vector<Tag>& tags);
  Result<void> untag_resource(const KmsCaller& caller, const std::string& key_id,
                              const std::vector<std::string>& tag_keys);
  Result<ListTagsAnswer> list_resource_tags(const KmsCaller& caller, const std::string& key_id,
                                            const PageRequest& page);

  Result<void> create_alias(const KmsCaller& caller, const std::string& name,
                            const std::string& target_key_id);
  Result<void> update_alias(const KmsCaller& caller, const std::string& name,
                            const std::string& target_key_id);
  Result<void> delete_alias(const KmsCaller& caller, const std::string& name);
  // Of one key, or of all.
  Result<ListAliasesAnswer> list_aliases(const KmsCaller& caller, const std::optional<std::string>& key_id,
                                         const PageRequest& page);

  // A period of 90 to 2,560 days, 365 when absent.
  Result<void> enable_key_rotation(const KmsCaller& caller, const std::string& key_id,
                                   std::optional<std::int64_t> period_days);
  Result<void> disable_key_rotation(const KmsCaller& caller, const std::string& key_id);
  Result<RotationStatus> get_key_rotation_status(const KmsCaller& caller, const std::string& key_id);
  // Answers the key's ARN. New calls use the new material, what was encrypted before still decrypts. At most
  // 25 times a key, and the schedule stays as it is.
  Result<std::string> rotate_key_on_demand(const KmsCaller& caller, const std::string& key_id);
  Result<ListRotationsAnswer> list_key_rotations(const KmsCaller& caller,
                                                 const ListRotationsRequest& request);

  // A window of 7 to 30 days, 30 when absent.
  Result<ScheduleDeletionAnswer> schedule_key_deletion(const KmsCaller& caller, const std::string& key_id,
                                                       std::optional<std::int64_t> window_days);
  Result<std::string> cancel_key_deletion(const KmsCaller& caller, const std::string& key_id);  // its ARN

  // Does what is due: deletes keys whose window has passed, with their aliases, and rotates by schedule.
  // Answers when the next is due, in Clock::unix_ms, nothing where nothing is planned. Each call does what is
  // due before it looks at a key; who calls this on time makes it happen without one.
  Result<std::optional<std::int64_t>> run_due();

  Result<EncryptAnswer> encrypt(const KmsCaller& caller, const EncryptRequest& request);
  Result<DecryptAnswer> decrypt(const KmsCaller& caller, const DecryptRequest& request);
  // Many of them under one key with one look at the store; not AWS's. One answer for each entry, in order;
  // the whole fails for what concerns all of them: the key, or no entry, or more than kMaxBatchEntries.
  Result<std::vector<Result<EncryptAnswer>>> encrypt_batch(const KmsCaller& caller, const std::string& key_id,
                                                           std::span<const BatchEncryptEntry> batch);
  Result<std::vector<Result<DecryptAnswer>>> decrypt_batch(const KmsCaller& caller, const std::string& key_id,
                                                           std::span<const BatchDecryptEntry> batch);
  // The source key may be of another region than the destination key, which is of the caller's.
  Result<std::vector<Result<ReEncryptAnswer>>> re_encrypt_batch(const KmsCaller& caller,
                                                                const std::string& source_key_id,
                                                                const std::string& destination_key_id,
                                                                std::span<const BatchReEncryptEntry> batch);
  Result<ReEncryptAnswer> re_encrypt(const KmsCaller& caller, const ReEncryptRequest& request);
  Result<GenerateDataKeyAnswer> generate_data_key(const KmsCaller& caller,
                                                  const GenerateDataKeyRequest& request);
  Result<GenerateDataKeyAnswer> generate_data_key_without_plaintext(const KmsCaller& caller,
                                                                    const GenerateDataKeyRequest& request);
  Result<WipedBytes> generate_random(const GenerateRandomRequest& request);

  // Principals (principals.h). Who may call these is for the caller to decide: the daemon asks for root or
  // its own user. kKmsValidation, kKmsAlreadyExists, kKmsNotFound; at most two access keys for each
  // (kKmsLimitExceeded).
  Result<PrincipalInfo> add_principal(const AddPrincipalRequest& request);
  Result<std::vector<PrincipalInfo>> list_principals();
  Result<void> remove_principal(const std::string& account, const std::string& name);
  Result<NewAccessKey> create_access_key(const std::string& account, const std::string& name);
  Result<void> delete_access_key(const std::string& access_key_id);

  // Nothing where nobody has it.
  Result<std::optional<KnownAccessKey>> find_access_key(const std::string& access_key_id);
  Result<std::optional<PrincipalInfo>> find_unix_user(std::uint32_t unix_id);

 private:
  using KeyPointer = std::shared_ptr<const Key>;
  using KeyChange = std::function<Result<void>(Key&)>;
  using Changes = Result<std::vector<RowChange>>;

  // engine_admission.cc: the checks that stand before every operation, in their order.
  Result<KeyPointer> admit(Operation operation, const KmsCaller& caller, const std::string& key_id,
                           const std::vector<std::string>& grant_tokens = {});
  Result<KeyPointer> admit_for_blob(Operation operation, const KmsCaller& caller,
                                    const std::optional<std::string>& key_id, ByteSpan blob,
                                    const std::vector<std::string>& grant_tokens);
  Result<KeyPointer> resolve(Operation operation, const KmsCaller& caller, const std::string& key_id);
  Result<KeyPointer> find_key_of(const CallScope& scope, const KeyId& id);
  Result<KeyPointer> change(Operation operation, const KmsCaller& caller, const std::string& key_id,
                            const KeyChange& apply);

  // One transaction. Where another process is in one, others get the lock while this waits for its end, for
  // three seconds or so; then kBusy. Of a store that was held for half a second already two changes wait, and
  // others get it at once. `lock` is held before and afterwards.
  Result<void> commit(std::unique_lock<std::mutex>& lock, const std::function<Changes()>& decide);

  // From here on with the lock held.
  Result<void> look();  // reads what was committed and does what is due
  Result<void> sync_principals();
  Result<void> do_due();
  Result<std::optional<std::int64_t>> due_now();
  Changes due_changes(std::int64_t now_unix_ms);
  Result<Key> load_for(Operation operation, const KeyId& id);  // inside a transaction

  Result<void> make_managed_key(const KmsCaller& caller, const std::string& key_id);
  Key new_key(const CallScope& scope);
  Changes alias_changes(const Alias& alias, const KeyId& target, Operation operation);
  Result<GenerateDataKeyAnswer> generate(Operation operation, const KmsCaller& caller,
                                         const GenerateDataKeyRequest& request);
  Bytes seal(const Key& key, const EncryptionContext& context, ByteSpan plaintext);

  Entropy& entropy_;
  Clock& clock_;
  std::mutex mutex_;  // guards what follows
  int waiting_changes_ = 0;
  std::uint64_t changes_made_ = 0;
  bool store_is_held_ = false;  // as far as the changes that wait can tell
  std::unique_ptr<Tables> tables_;
  std::int64_t due_pause_until_ns_ = 0;
};

// Opens the store at `dir` (kms/store/store_admin.h makes one) with the system's randomness and clock.
// kStoreMissing: no store or no root.key there. kWrongRootKey: passphrase, credential or key file does not
// open it. kStoreTampered: its rows do not verify.
Result<std::unique_ptr<Engine>> open_embedded_engine(const std::string& dir, PassphraseSource& passphrase);

}  // namespace enfold
