#include "kms/client/kms_client.h"

#include "kms/client/error_answer.h"

namespace enfold {
namespace {

template <class Out, class Item, class Ask>
std::vector<Result<Out>> one_by_one(std::span<const Item> items, Ask ask) {
  std::vector<Result<Out>> answers;
  answers.reserve(items.size());
  for (const Item& item : items) {
    if (!answers.empty() && !answers.back() && answers_nobody(answers.back().error()))
      answers.push_back(std::unexpected(answers.back().error()));
    else
      answers.push_back(ask(item));
  }
  return answers;
}

}  // namespace

std::vector<Result<Bytes>> KmsClient::encrypt_batch(const std::string& key,
                                                    std::span<const EncryptItem> entries) {
  return one_by_one<Bytes>(entries, [&](const EncryptItem& entry) {
    return encrypt(key, entry.plaintext.expose(), entry.context);
  });
}

std::vector<Result<DecryptedKey>> KmsClient::decrypt_batch(const std::string& key_arn,
                                                           std::span<const DecryptItem> entries) {
  return one_by_one<DecryptedKey>(entries, [&](const DecryptItem& entry) -> Result<DecryptedKey> {
    DecryptedKey out;
    ENFOLD_TRY_ASSIGN(out.material_id,
                      decrypt(key_arn, entry.ciphertext, entry.context, out.plaintext.expose_mutable()));
    return out;
  });
}

std::optional<std::vector<Result<ReEncryptedKey>>> KmsClient::re_encrypt_batch(
    const std::string& /*from_key_arn*/, const std::string& /*to_key_arn*/,
    std::span<const DecryptItem> /*entries*/) {
  return std::nullopt;
}

}  // namespace enfold
