#include "fs/volume/kms_answers.h"

#include "fs/format/envelope.h"
#include "kms/crypto/hkdf.h"

namespace enfold {
namespace {

// A KMS that answers for another key than the one asked would leave files that the volume's key never opens.
// An alias or a bare id says nothing about the ARN that it stands for.
bool answered_by(const GeneratedDataKey& answer, const std::string& asked) {
  const bool is_key_arn = asked.starts_with("arn:") && asked.find(":key/") != std::string::npos;
  return is_key_arn ? answer.key_arn == asked : !answer.key_arn.empty();
}

Result<void> check_size(const GeneratedDataKey& key) {
  return check_fits(key.key_arn, key.ciphertext.size(), key.material_id);
}

Result<void> take_opened(GeneratedDataKey& key, Result<DecryptedKey> opened) {
  if (!opened) return add_context(std::move(opened).error(), "opening what the KMS has just wrapped");
  if (!equal_in_constant_time(opened->plaintext.expose(), key.plaintext.expose()))
    return make_error(Errc::kKmsBadAnswer, "the KMS answered another data key than it wrapped under " +
                                               key.key_arn + "; check which KMS the volume is pinned to");
  if (!opened->material_id.empty()) key.material_id = std::move(opened->material_id);
  return check_size(key);
}

}  // namespace

Result<void> check_fits(const std::string& key_arn, std::size_t ciphertext_bytes,
                        const std::string& material_id) {
  const std::size_t room = ciphertext_room(key_arn, material_id);
  if (ciphertext_bytes <= room) return {};
  return make_error(Errc::kKmsBadAnswer, "the KMS wraps a key to " + std::to_string(ciphertext_bytes) +
                                             " bytes under " + key_arn + ", and an envelope holds at most " +
                                             std::to_string(room) + " beside that name; use another KMS");
}

Result<void> check_generated(const GeneratedDataKey& answer, const std::string& asked) {
  if (!answered_by(answer, asked))
    return make_error(Errc::kKmsBadAnswer,
                      "the KMS answered with key '" + answer.key_arn + "' where '" + asked + "' was asked");
  if (answer.ciphertext.empty())
    return make_error(Errc::kKmsBadAnswer, "the KMS answered an empty ciphertext");
  if (all_zero(answer.plaintext.expose()))
    return make_error(Errc::kKmsBadAnswer, "the KMS answered a data key of zeros");
  return check_size(answer);
}

Result<void> check_kms_opens(KmsClient& kms, std::span<const GeneratedItem> items) {
  if (items.empty()) return {};
  std::vector<DecryptItem> asked;
  asked.reserve(items.size());
  for (const GeneratedItem& item : items) asked.push_back({item.key.ciphertext, item.context});
  // One that is under another key, as after an alias moved, is refused.
  auto opened = kms.decrypt_batch(items.front().key.key_arn, asked);
  for (std::size_t i = 0; i < items.size(); ++i) ENFOLD_TRY(take_opened(items[i].key, std::move(opened[i])));
  return {};
}

}  // namespace enfold
