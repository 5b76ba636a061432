#include "kms/client/remote_kms.h"

#include <boost/json.hpp>

#include "kms/client/remote_batches.h"
#include "kms/client/remote_json.h"
#include "kms/client/wiped_json.h"
#include "kms/engine/operations.h"

namespace enfold {
namespace {

namespace json = boost::json;

class RemoteKms final : public KmsClient {
 public:
  explicit RemoteKms(std::shared_ptr<RemoteEndpoint> endpoint)
      : endpoint_(std::move(endpoint)), batches_(*endpoint_) {}

  Result<GeneratedDataKey> generate_data_key(const std::string& key,
                                             const EncryptionContext& context) override {
    json::object request = about(key);
    request["KeySpec"] = "AES_256";
    add_context(request, "EncryptionContext", context);
    ENFOLD_TRY_ASSIGN(const json::object answer, call("TrentService.GenerateDataKey", key, request));
    GeneratedDataKey out;
    ENFOLD_TRY_ASSIGN(out.key_arn, answered_key(answer, "KeyId", key));
    ENFOLD_TRY_ASSIGN(out.ciphertext, blob_in(answer, "CiphertextBlob", kMaxCiphertextBytes));
    ENFOLD_TRY_ASSIGN(out.material_id, answered_material(answer, "KeyMaterialId"));
    ENFOLD_TRY(key_in(answer, "Plaintext", out.plaintext.expose_mutable()));
    return out;
  }

  Result<Bytes> encrypt(const std::string& key, ByteSpan plaintext,
                        const EncryptionContext& context) override {
    json::object request = about(key);
    add_blob(request, "Plaintext", plaintext);
    add_context(request, "EncryptionContext", context);
    ENFOLD_TRY_ASSIGN(const json::object answer, call("TrentService.Encrypt", key, request));
    ENFOLD_TRY(answered_key(answer, "KeyId", key));
    return blob_in(answer, "CiphertextBlob", kMaxCiphertextBytes);
  }

  Result<std::string> decrypt(const std::string& key_arn, ByteSpan ciphertext,
                              const EncryptionContext& context,
                              std::span<std::uint8_t, 32> plaintext) override {
    json::object request = about(key_arn);
    add_blob(request, "CiphertextBlob", ciphertext);
    add_context(request, "EncryptionContext", context);
    ENFOLD_TRY_ASSIGN(const json::object answer, call("TrentService.Decrypt", key_arn, request));
    ENFOLD_TRY(answered_key(answer, "KeyId", key_arn));
    ENFOLD_TRY_ASSIGN(std::string material, answered_material(answer, "KeyMaterialId"));
    ENFOLD_TRY(key_in(answer, "Plaintext", plaintext));
    return material;
  }

  std::vector<Result<DecryptedKey>> decrypt_batch(const std::string& key_arn,
                                                  std::span<const DecryptItem> entries) override {
    // One is not worth asking what the service can.
    auto answers = entries.size() > 1 ? batches_.decrypt(key_arn, entries) : std::nullopt;
    return answers ? *std::move(answers) : KmsClient::decrypt_batch(key_arn, entries);
  }

  std::optional<std::vector<Result<ReEncryptedKey>>> re_encrypt_batch(
      const std::string& from_key_arn, const std::string& to_key_arn,
      std::span<const DecryptItem> entries) override {
    return batches_.re_encrypt(from_key_arn, to_key_arn, entries);
  }

  Result<KeyDescription> describe_key(const std::string& key) override {
    ENFOLD_TRY_ASSIGN(const json::object answer, call("TrentService.DescribeKey", key, about(key)));
    const json::object* metadata = object_in(answer, "KeyMetadata");
    if (metadata == nullptr)
      return make_error(Errc::kKmsBadAnswer, "The KMS answered no KeyMetadata for " + key);
    KeyDescription out;
    ENFOLD_TRY_ASSIGN(out.key_arn, answered_key(*metadata, "Arn", key));
    ENFOLD_TRY_ASSIGN(out.state, answered_material(*metadata, "KeyState"));
    ENFOLD_TRY_ASSIGN(out.material_id, answered_material(*metadata, "CurrentKeyMaterialId"));
    return out;
  }

  [[nodiscard]] bool is_in_this_process() const override { return false; }

 private:
  static json::object about(const std::string& key) {
    json::object request = wiped_object();
    request["KeyId"] = key;
    return request;
  }

  Result<json::object> call(std::string_view target, const std::string& key, const json::object& request) {
    return call_json(*endpoint_, {target, region_of_key(key), request, endpoint_->policy().call_ns});
  }

  std::shared_ptr<RemoteEndpoint> endpoint_;
  RemoteBatches batches_;
};

}  // namespace

std::unique_ptr<KmsClient> make_remote_kms(std::shared_ptr<RemoteEndpoint> endpoint) {
  return std::make_unique<RemoteKms>(std::move(endpoint));
}

}  // namespace enfold
