// Does every operation end well on any body? An answer is JSON or empty, and none says that the service
// failed. The first byte chooses the operation, the second whether the rest is the body itself or says what
// to build one of.
#include <boost/json.hpp>
#include <cstdlib>

#include "kms/store/store.h"
#include "kms/store/store_admin.h"
#include "kms/wire/base64.h"
#include "kms/wire/kms_service.h"
#include "kms/wire/operation_table.h"
#include "tests/kms/support.h"

namespace enfold {
namespace {

namespace json = boost::json;

// Whatever fails here is a fault of this program.
template <class T>
T good(Result<T> result) {
  if (!result) std::abort();
  return *std::move(result);
}

std::unique_ptr<Engine> new_engine(const std::string& dir, Entropy& entropy, Clock& clock) {
  make_store(dir);
  FixedPassphrase unused;
  return std::make_unique<Engine>(good(open_store(dir, unused, entropy)), entropy, clock);
}

struct Service {
  Service() {
    const KmsCaller caller(local_scope());
    good(engine->add_principal({caller.scope.account, "root", {0}}));
    key = good(engine->create_key(caller, {})).arn;
    blob =
        good(engine->encrypt(caller, {.key_id = key, .plaintext = as_bytes("x"), .context = {}})).ciphertext;
  }
  TempDir directory;
  SystemEntropy entropy;
  ManualClock clock;
  std::unique_ptr<Engine> engine = new_engine(directory / "kms", entropy, clock);
  KmsService service{*engine, clock, entropy, "local"};
  std::string key;
  Bytes blob;
};

Service& the_service() {
  static Service service;
  return service;
}

constexpr std::array<std::string_view, 36> kNames{"KeyId",
                                                  "CiphertextBlob",
                                                  "Plaintext",
                                                  "EncryptionContext",
                                                  "GrantTokens",
                                                  "DryRun",
                                                  "Limit",
                                                  "Marker",
                                                  "Description",
                                                  "Tags",
                                                  "TagKey",
                                                  "TagValue",
                                                  "TagKeys",
                                                  "KeySpec",
                                                  "KeyUsage",
                                                  "Origin",
                                                  "MultiRegion",
                                                  "Policy",
                                                  "CustomerMasterKeySpec",
                                                  "NumberOfBytes",
                                                  "SourceKeyId",
                                                  "DestinationKeyId",
                                                  "SourceEncryptionContext",
                                                  "DestinationEncryptionContext",
                                                  "EncryptionAlgorithm",
                                                  "AliasName",
                                                  "TargetKeyId",
                                                  "RotationPeriodInDays",
                                                  "PendingWindowInDays",
                                                  "IncludeKeyMaterial",
                                                  "Entries",
                                                  "Account",
                                                  "Name",
                                                  "UnixIds",
                                                  "AccessKeyId",
                                                  "Recipient"};

// Builds JSON as the input's bytes say.
class Builder {
 public:
  explicit Builder(ByteSpan bytes) : bytes_(bytes) {}

  json::object object(int depth) {
    json::object out;
    for (int left = bytes_.u8() % 6; left > 0; --left)
      out[kNames[bytes_.u8() % kNames.size()]] = value(depth);
    return out;
  }

 private:
  json::value value(int depth) {
    switch (bytes_.u8() % 12) {
      case 0:
        return nullptr;
      case 1:
        return bytes_.u8() % 2 == 0;
      case 2:
        return static_cast<std::int64_t>(bytes_.u64());
      case 3:
        return bytes_.u8();
      case 4:
        return static_cast<double>(bytes_.u16()) / 256;
      case 5:
        return json::string(the_service().key);
      case 6:
        return json::string(base64());
      case 7:
        return json::string(constant());
      case 8:
        return json::string(text());
      default:
        return depth == 0 ? json::value("x") : nested(depth - 1);
    }
  }

  json::value nested(int depth) {
    if (bytes_.u8() % 2 == 0) return object(depth);
    json::array out;
    for (int left = bytes_.u8() % 4; left > 0; --left) out.push_back(value(depth));
    return out;
  }

  std::string constant() {
    constexpr std::array<const char*, 10> kValues{
        "AES_256",         "alias/a",      "alias/aws/ebs", "SYMMETRIC_DEFAULT", "AWS_KMS",
        "ENCRYPT_DECRYPT", "000000000000", "root",          "ALL_KEY_MATERIAL",  ""};
    return kValues[bytes_.u8() % kValues.size()];
  }

  // ASCII only: what is no UTF-8 never gets past the parser, which the raw bodies try.
  std::string text() {
    std::string out;
    for (std::uint8_t byte : bytes_.bytes(std::min<std::size_t>(bytes_.u8(), bytes_.remaining())))
      out += static_cast<char>(byte & 0x7f);
    return out;
  }

  static std::string base64() {
    std::string out(base64_size(the_service().blob.size()), ' ');
    encode_base64(the_service().blob, out.data());
    return out;
  }

  ByteReader bytes_;
};

void check(const HttpAnswer& answer) {
  if (answer.status >= 500) std::abort();
  boost::system::error_code error;
  const json::value read = json::parse({answer.body.data(), answer.body.size()}, error);
  const bool is_json = !error && read.is_object();
  if (!is_json && !(answer.status == 200 && answer.body.empty())) std::abort();
  if (answer.status != 200 && !read.get_object().contains("__type")) std::abort();
}

void run(ByteSpan input) {
  if (input.size() < 2) return;
  const auto table = operation_table();
  const KmsOperation& operation = table[input[0] % table.size()];
  const bool built = input[1] % 4 != 0;
  input = input.subspan(2);
  const std::string body = built ? json::serialize(Builder(input).object(4)) : as_string(input);
  const HttpRequestView request{
      .method = "POST",
      .target = "/",
      .headers = {{"content-type", "application/x-amz-json-1.1"}, {"x-amz-target", operation.target}},
      .body = body};
  check(the_service().service.handle(request, {.unix_id = 0}));
}

}  // namespace
}  // namespace enfold

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  enfold::run({data, size});
  return 0;
}
