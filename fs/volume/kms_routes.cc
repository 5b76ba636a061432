#include "fs/volume/kms_routes.h"

namespace enfold {

Result<KmsRoutes::Service> KmsRoutes::main() const {
  const std::lock_guard lock(mutex_);
  return main_;
}

void KmsRoutes::set_main(Result<Service> main) {
  const std::lock_guard lock(mutex_);
  main_ = std::move(main);
}

void KmsRoutes::route(const std::string& key_arn, Result<Service> service, Service otherwise) {
  const std::lock_guard lock(mutex_);
  routes_.insert_or_assign(key_arn, std::move(service));
  otherwise_.insert_or_assign(key_arn, std::move(otherwise));
}

Result<KmsRoutes::Service> KmsRoutes::service_of(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = routes_.find(key);
  return found == routes_.end() ? main_ : found->second;
}

// Null where the other service would not do better, or there is none.
KmsRoutes::Service KmsRoutes::otherwise_of(const std::string& key_arn, const Error& refusal) const {
  if (refusal.code != Errc::kKmsInvalidCiphertext && refusal.code != Errc::kKmsNotFound) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto found = otherwise_.find(key_arn);
  return found == otherwise_.end() ? nullptr : found->second;
}

Result<GeneratedDataKey> KmsRoutes::generate_data_key(const std::string& key,
                                                      const EncryptionContext& context) {
  ENFOLD_TRY_ASSIGN(const Service service, service_of(key));
  return service->generate_data_key(key, context);
}

Result<Bytes> KmsRoutes::encrypt(const std::string& key, ByteSpan plaintext,
                                 const EncryptionContext& context) {
  ENFOLD_TRY_ASSIGN(const Service service, service_of(key));
  return service->encrypt(key, plaintext, context);
}

Result<std::string> KmsRoutes::decrypt(const std::string& key_arn, ByteSpan ciphertext,
                                       const EncryptionContext& context,
                                       std::span<std::uint8_t, 32> plaintext) {
  ENFOLD_TRY_ASSIGN(const Service service, service_of(key_arn));
  auto answer = service->decrypt(key_arn, ciphertext, context, plaintext);
  if (answer) return answer;
  const Service other = otherwise_of(key_arn, answer.error());
  return other ? other->decrypt(key_arn, ciphertext, context, plaintext) : answer;
}

std::vector<Result<Bytes>> KmsRoutes::encrypt_batch(const std::string& key,
                                                    std::span<const EncryptItem> entries) {
  const auto service = service_of(key);
  if (!service) return std::vector<Result<Bytes>>(entries.size(), std::unexpected(service.error()));
  return (*service)->encrypt_batch(key, entries);
}

std::vector<Result<DecryptedKey>> KmsRoutes::decrypt_batch(const std::string& key_arn,
                                                           std::span<const DecryptItem> entries) {
  const auto service = service_of(key_arn);
  std::vector<Result<DecryptedKey>> answers;
  if (!service) {
    for (std::size_t i = 0; i < entries.size(); ++i) answers.push_back(std::unexpected(service.error()));
    return answers;
  }
  answers = (*service)->decrypt_batch(key_arn, entries);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Service other = answers[i] ? nullptr : otherwise_of(key_arn, answers[i].error());
    if (other) answers[i] = std::move(other->decrypt_batch(key_arn, entries.subspan(i, 1)).front());
  }
  return answers;
}

std::optional<std::vector<Result<ReEncryptedKey>>> KmsRoutes::re_encrypt_batch(
    const std::string& from_key_arn, const std::string& to_key_arn, std::span<const DecryptItem> entries) {
  const auto from = service_of(from_key_arn);
  const auto to = service_of(to_key_arn);
  if (!from || !to || *from != *to) return std::nullopt;
  return (*from)->re_encrypt_batch(from_key_arn, to_key_arn, entries);
}

Result<KeyDescription> KmsRoutes::describe_key(const std::string& key) {
  ENFOLD_TRY_ASSIGN(const Service service, service_of(key));
  return service->describe_key(key);
}

bool KmsRoutes::is_in_this_process() const {
  const auto service = main();
  return !service || (*service)->is_in_this_process();
}

}  // namespace enfold
