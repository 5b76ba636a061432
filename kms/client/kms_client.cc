#include "kms/client/kms_client.h"

namespace enfold {

std::vector<Result<Bytes>> KmsClient::encrypt_batch(const std::string& key,
                                                    std::span<const EncryptItem> entries) {
  std::vector<Result<Bytes>> answers;
  answers.reserve(entries.size());
  for (const EncryptItem& entry : entries)
    answers.push_back(encrypt(key, entry.plaintext.expose(), entry.context));
  return answers;
}

std::vector<Result<DecryptedKey>> KmsClient::decrypt_batch(const std::string& key_arn,
                                                           std::span<const DecryptItem> entries) {
  auto unwrap = [&](const DecryptItem& entry) -> Result<DecryptedKey> {
    DecryptedKey out;
    ENFOLD_TRY_ASSIGN(out.material_id,
                      decrypt(key_arn, entry.ciphertext, entry.context, out.plaintext.expose_mutable()));
    return out;
  };
  std::vector<Result<DecryptedKey>> answers;
  answers.reserve(entries.size());
  for (const DecryptItem& entry : entries) answers.push_back(unwrap(entry));
  return answers;
}

}  // namespace enfold
