#include "kms/client/embedded_kms.h"

#include "kms/engine/arn.h"

namespace enfold {
namespace {

CallScope scope_of(const std::string& key) {
  std::optional<KeyArn> arn = parse_arn(key);
  return arn ? std::move(arn->scope) : local_scope();
}

// AWS sends this class without a message; a person needs one.
std::unexpected<Error> explained(Error error) {
  if (error.code == Errc::kKmsInvalidCiphertext && error.message.empty())
    error.message = "The KMS refuses the wrapped key: it was changed, or it belongs to something else";
  return std::unexpected(std::move(error));
}

class EmbeddedKms final : public KmsClient {
 public:
  explicit EmbeddedKms(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}

  Result<GeneratedDataKey> generate_data_key(const std::string& key,
                                             const EncryptionContext& context) override {
    auto answer = engine_->generate_data_key(
        scope_of(key), {.key_id = key, .key_spec = "AES_256", .number_of_bytes = {}, .context = context});
    if (!answer) return explained(std::move(answer).error());
    GeneratedDataKey out{
        {}, std::move(answer->ciphertext), std::move(answer->key_arn), std::move(answer->material_id)};
    ENFOLD_TRY(take(answer->plaintext, out.plaintext.expose_mutable()));
    return out;
  }

  Result<Bytes> encrypt(const std::string& key, ByteSpan plaintext,
                        const EncryptionContext& context) override {
    auto answer = engine_->encrypt(scope_of(key), {key, plaintext, context});
    if (!answer) return explained(std::move(answer).error());
    return std::move(answer->ciphertext);
  }

  Result<std::string> decrypt(const std::string& key_arn, ByteSpan ciphertext,
                              const EncryptionContext& context,
                              std::span<std::uint8_t, 32> plaintext) override {
    auto answer = engine_->decrypt(scope_of(key_arn), {ciphertext, key_arn, context});
    if (!answer) return explained(std::move(answer).error());
    if (answer->key_arn != key_arn)
      return make_error(Errc::kKmsBadAnswer,
                        "The KMS decrypted with the key " + answer->key_arn + " instead of " + key_arn);
    ENFOLD_TRY(take(answer->plaintext, plaintext));
    return std::move(answer->material_id);
  }

  Result<KeyDescription> describe_key(const std::string& key) override {
    ENFOLD_TRY_ASSIGN(KeyMetadata metadata, engine_->describe_key(scope_of(key), key));
    return KeyDescription{std::move(metadata.arn), name_of(metadata.state),
                          std::move(metadata.current_material_id)};
  }

 private:
  static Result<void> take(const WipedBytes& from, std::span<std::uint8_t, 32> to) {
    if (from.size() != to.size())
      return make_error(Errc::kKmsBadAnswer,
                        "The KMS answered a key of " + std::to_string(from.size()) + " bytes instead of 32");
    std::ranges::copy(from.expose(), to.begin());
    return {};
  }

  std::shared_ptr<Engine> engine_;
};

}  // namespace

std::unique_ptr<KmsClient> make_embedded_kms(std::shared_ptr<Engine> engine) {
  return std::make_unique<EmbeddedKms>(std::move(engine));
}

}  // namespace enfold
