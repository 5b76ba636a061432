// The key services of one volume: one, and while it moves to another, each for its own keys.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "kms/client/kms_client.h"

namespace enfold {

// Thread-safe. A call is made by the service of its key: the one that the key was routed to, else the main
// one. No lock is held while a service is asked.
class KmsRoutes final : public KmsClient {
 public:
  using Service = std::shared_ptr<KmsClient>;

  explicit KmsRoutes(Result<Service> main) : main_(std::move(main)) {}

  [[nodiscard]] Result<Service> main() const;
  void set_main(Result<Service> main);
  // Whether calls for this key go to a service, and not to an error.
  [[nodiscard]] bool reaches(const std::string& key_arn) const { return service_of(key_arn).has_value(); }
  // Calls for this key go there, or are answered with this error. What that service cannot unwrap is asked of
  // `otherwise`: of two copies of a key store one may have material that the other has not.
  void route(const std::string& key_arn, Result<Service> service, Service otherwise = nullptr);

  Result<GeneratedDataKey> generate_data_key(const std::string& key,
                                             const EncryptionContext& context) override;
  Result<Bytes> encrypt(const std::string& key, ByteSpan plaintext,
                        const EncryptionContext& context) override;
  Result<std::string> decrypt(const std::string& key_arn, ByteSpan ciphertext,
                              const EncryptionContext& context,
                              std::span<std::uint8_t, 32> plaintext) override;
  std::vector<Result<Bytes>> encrypt_batch(const std::string& key,
                                           std::span<const EncryptItem> entries) override;
  std::vector<Result<DecryptedKey>> decrypt_batch(const std::string& key_arn,
                                                  std::span<const DecryptItem> entries) override;
  // By the one service that has both keys.
  std::optional<std::vector<Result<ReEncryptedKey>>> re_encrypt_batch(
      const std::string& from_key_arn, const std::string& to_key_arn,
      std::span<const DecryptItem> entries) override;
  Result<KeyDescription> describe_key(const std::string& key) override;
  [[nodiscard]] bool is_in_this_process() const override;

 private:
  [[nodiscard]] Result<Service> service_of(const std::string& key) const;
  [[nodiscard]] Service otherwise_of(const std::string& key_arn, const Error& refusal) const;

  mutable std::mutex mutex_;  // guards what follows
  Result<Service> main_;
  std::map<std::string, Result<Service>> routes_;  // by key ARN
  std::map<std::string, Service> otherwise_;
};

}  // namespace enfold
