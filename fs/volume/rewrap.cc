#include "fs/volume/rewrap.h"

#include "kms/crypto/hkdf.h"

namespace enfold {
namespace {

// Stands for whatever 32 bytes are wrapped.
using Wrapped = DataKey;

Result<void> open(KmsClient& kms, const EncryptionContext& context, const Recipient& recipient,
                  const IsRight& is_right, Wrapped& out) {
  auto material = kms.decrypt(recipient.key_arn, recipient.ciphertext, context, out.expose_mutable());
  if (!material) return std::unexpected(std::move(material).error());
  if (is_right(out.expose())) return {};
  return make_error(Errc::kKmsBadAnswer, "the KMS opens the envelope under " + recipient.key_arn +
                                             " to another key than the one that was wrapped");
}

Result<Recipient> wrap(KmsClient& kms, const EncryptionContext& context, const Wrapped& key,
                       const std::string& to_key_arn) {
  ENFOLD_TRY_ASSIGN(Bytes ciphertext, kms.encrypt(to_key_arn, key.expose(), context));
  if (ciphertext.empty())
    return make_error(Errc::kKmsBadAnswer, "the KMS answered an empty ciphertext for " + to_key_arn);
  Wrapped back;
  ENFOLD_TRY_ASSIGN(std::string material,
                    kms.decrypt(to_key_arn, ciphertext, context, back.expose_mutable()));
  if (!equal_in_constant_time(back.expose(), key.expose()))
    return make_error(Errc::kKmsBadAnswer,
                      "what the KMS wrapped under " + to_key_arn + " opens to something else");
  return Recipient{Provider::kAwsKms, to_key_arn, std::move(ciphertext), std::move(material)};
}

}  // namespace

Result<void> check_opens(KmsClient& kms, const EncryptionContext& context, const Recipient& recipient,
                         const IsRight& is_right) {
  Wrapped key;
  return open(kms, context, recipient, is_right, key);
}

std::expected<Recipient, RewrapFailure> rewrap(KmsClient& kms, const EncryptionContext& context,
                                               const Recipient& from, const std::string& to_key_arn,
                                               const IsRight& is_right) {
  Wrapped key;
  if (auto opened = open(kms, context, from, is_right, key); !opened)
    return std::unexpected(RewrapFailure{false, std::move(opened).error()});
  auto wrapped = wrap(kms, context, key, to_key_arn);
  if (!wrapped) return std::unexpected(RewrapFailure{true, std::move(wrapped).error()});
  return *std::move(wrapped);
}

}  // namespace enfold
