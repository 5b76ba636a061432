// What a volume asks of a key service, whichever it is: the embedded engine or an AWS-KMS-compatible
// endpoint. An implementation refuses answers of the wrong shape (kKmsBadAnswer); that the answer holds the
// right key is shown by the caller's key commitment. Thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kms/base/bytes.h"
#include "kms/base/error.h"
#include "kms/base/secret.h"
#include "kms/engine/encryption_context.h"
#include "kms/store/passphrase_source.h"

namespace enfold {

struct GeneratedDataKey {
  DataKey plaintext;
  Bytes ciphertext;         // at most 6,144 bytes
  std::string key_arn;      // of the key that wrapped it
  std::string material_id;  // of the key material that did; empty where the service does not say
};

// Entries of a batch under one key. Views: what they refer to outlives the call.
struct EncryptItem {
  const DataKey& plaintext;
  const EncryptionContext& context;
};
struct DecryptItem {
  ByteSpan ciphertext;
  const EncryptionContext& context;
};
struct DecryptedKey {
  DataKey plaintext;
  std::string material_id;  // as decrypt() answers it
};

struct ReEncryptedKey {
  Bytes ciphertext;
  std::string material_id;  // of what wraps it now; empty where the service does not say
};

struct KeyDescription {
  std::string key_arn;
  std::string state;        // "Enabled", "Disabled", ... as AWS names them
  std::string material_id;  // of the current key material; empty where the service does not say
};

class KmsClient {
 public:
  KmsClient() = default;
  KmsClient(const KmsClient&) = delete;
  KmsClient& operator=(const KmsClient&) = delete;
  virtual ~KmsClient() = default;

  // `key` is an id, an ARN, or an alias name or ARN.
  virtual Result<GeneratedDataKey> generate_data_key(const std::string& key,
                                                     const EncryptionContext& context) = 0;

  // Wraps a key that the caller made; answers the ciphertext.
  virtual Result<Bytes> encrypt(const std::string& key, ByteSpan plaintext,
                                const EncryptionContext& context) = 0;

  // Decrypts a wrapped 32-byte key into `plaintext`. An answer from a key other than `key_arn`, or of another
  // length, is kKmsBadAnswer. Answers the id of the key material that had wrapped it; empty where the service
  // does not say.
  virtual Result<std::string> decrypt(const std::string& key_arn, ByteSpan ciphertext,
                                      const EncryptionContext& context,
                                      std::span<std::uint8_t, 32> plaintext) = 0;

  // encrypt() and decrypt() of many keys, for less where the service can: one answer for each entry, in
  // order. A service that does not answer, or throttles, is not asked again for the rest.
  virtual std::vector<Result<Bytes>> encrypt_batch(const std::string& key,
                                                   std::span<const EncryptItem> entries);
  virtual std::vector<Result<DecryptedKey>> decrypt_batch(const std::string& key_arn,
                                                          std::span<const DecryptItem> entries);

  // Wraps under `to_key_arn` what `from_key_arn` has wrapped, in the same context, without the keys leaving
  // the service: one answer for each entry, in order, which nobody has verified. Nothing where the service
  // cannot, has not both keys, or gains nothing by it, as one in this process: decrypt and encrypt then.
  virtual std::optional<std::vector<Result<ReEncryptedKey>>> re_encrypt_batch(
      const std::string& from_key_arn, const std::string& to_key_arn, std::span<const DecryptItem> entries);

  virtual Result<KeyDescription> describe_key(const std::string& key) = 0;

  // False where each call goes to another process or over a network.
  [[nodiscard]] virtual bool is_in_this_process() const { return true; }
};

// Opens the service that `url` names (kms_url.h); errors as of parse_kms_url. An embedded store is opened
// (errors as open_embedded_engine); no other service is asked anything before the first call.
Result<std::unique_ptr<KmsClient>> open_kms(const std::string& url, PassphraseSource& passphrase);

}  // namespace enfold
