#include "kms/client/embedded_kms.h"

#include "kms/client/error_answer.h"
#include "kms/engine/arn.h"

namespace enfold {
namespace {

CallScope scope_of(const std::string& key) {
  auto arn = parse_kms_arn(key);
  return arn ? std::move(arn->scope) : local_scope();
}

std::unexpected<Error> refusal(Error error) { return std::unexpected(explained(std::move(error))); }

class EmbeddedKms final : public KmsClient {
 public:
  explicit EmbeddedKms(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}

  Result<GeneratedDataKey> generate_data_key(const std::string& key,
                                             const EncryptionContext& context) override {
    auto answer = engine_->generate_data_key(
        scope_of(key), {.key_id = key, .key_spec = "AES_256", .number_of_bytes = {}, .context = context});
    if (!answer) return refusal(std::move(answer).error());
    GeneratedDataKey out{
        {}, std::move(answer->ciphertext), std::move(answer->key_arn), std::move(answer->material_id)};
    ENFOLD_TRY(take(answer->plaintext, out.plaintext.expose_mutable()));
    return out;
  }

  Result<Bytes> encrypt(const std::string& key, ByteSpan plaintext,
                        const EncryptionContext& context) override {
    auto answer = engine_->encrypt(scope_of(key), {key, plaintext, context});
    if (!answer) return refusal(std::move(answer).error());
    return std::move(answer->ciphertext);
  }

  Result<std::string> decrypt(const std::string& key_arn, ByteSpan ciphertext,
                              const EncryptionContext& context,
                              std::span<std::uint8_t, 32> plaintext) override {
    auto answer = engine_->decrypt(scope_of(key_arn), {ciphertext, key_arn, context});
    if (!answer) return refusal(std::move(answer).error());
    return take(*std::move(answer), key_arn, plaintext);
  }

  std::vector<Result<Bytes>> encrypt_batch(const std::string& key,
                                           std::span<const EncryptItem> entries) override {
    std::vector<BatchEncryptEntry> asked;
    asked.reserve(entries.size());
    for (const EncryptItem& entry : entries) asked.push_back({entry.plaintext.expose(), entry.context});
    auto ask = [&](std::span<const BatchEncryptEntry> part) {
      return engine_->encrypt_batch(scope_of(key), key, part);
    };
    return in_parts<Bytes>(std::span<const BatchEncryptEntry>(asked), ask,
                           [](EncryptAnswer answer) { return Result<Bytes>(std::move(answer.ciphertext)); });
  }

  std::vector<Result<DecryptedKey>> decrypt_batch(const std::string& key_arn,
                                                  std::span<const DecryptItem> entries) override {
    std::vector<BatchDecryptEntry> asked;
    asked.reserve(entries.size());
    for (const DecryptItem& entry : entries) asked.push_back({entry.ciphertext, entry.context});
    auto ask = [&](std::span<const BatchDecryptEntry> part) {
      return engine_->decrypt_batch(scope_of(key_arn), key_arn, part);
    };
    return in_parts<DecryptedKey>(
        std::span<const BatchDecryptEntry>(asked), ask, [&](DecryptAnswer answer) -> Result<DecryptedKey> {
          DecryptedKey out;
          ENFOLD_TRY_ASSIGN(out.material_id,
                            take(std::move(answer), key_arn, out.plaintext.expose_mutable()));
          return out;
        });
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

  static Result<std::string> take(DecryptAnswer answer, const std::string& key_arn,
                                  std::span<std::uint8_t, 32> to) {
    if (answer.key_arn != key_arn)
      return make_error(Errc::kKmsBadAnswer,
                        "The KMS decrypted with the key " + answer.key_arn + " instead of " + key_arn);
    ENFOLD_TRY(take(answer.plaintext, to));
    return std::move(answer.material_id);
  }

  // As many calls of the engine as its limit makes of `entries`; an error of one is each of its entries'.
  template <class Out, class Entry, class Ask, class Take>
  static std::vector<Result<Out>> in_parts(std::span<const Entry> entries, Ask ask, Take take_answer) {
    std::vector<Result<Out>> out;
    out.reserve(entries.size());
    for (; !entries.empty(); entries = entries.subspan(std::min(entries.size(), kMaxBatchEntries))) {
      const auto part = entries.first(std::min(entries.size(), kMaxBatchEntries));
      auto answers = ask(part);
      if (!answers) {
        for (std::size_t i = 0; i < part.size(); ++i) out.push_back(refusal(answers.error()));
        continue;
      }
      for (auto& answer : *answers)
        out.push_back(answer ? take_answer(*std::move(answer)) : refusal(std::move(answer).error()));
    }
    return out;
  }

  std::shared_ptr<Engine> engine_;
};

}  // namespace

std::unique_ptr<KmsClient> make_embedded_kms(std::shared_ptr<Engine> engine) {
  return std::make_unique<EmbeddedKms>(std::move(engine));
}

}  // namespace enfold
