#include "kms/client/remote_kms.h"

#include <atomic>
#include <boost/json.hpp>
#include <chrono>

#include "kms/crypto/hkdf.h"
#include "kms/wire/base64.h"
#include "tests/client/support.h"

namespace enfold {
namespace {

namespace json = boost::json;

std::string base64(ByteSpan bytes) {
  std::string out(base64_size(bytes.size()), '\0');
  encode_base64(bytes, out.data());
  return out;
}

Bytes unbase64(std::string_view text) {
  Bytes out(decoded_base64_size(text).value_or(0));
  EXPECT_TRUE(decode_base64(text, out));
  return out;
}

std::string quoted(const std::string& name, const std::string& value) {
  return '"' + name + "\":\"" + value + '"';
}

// Wraps by putting the context in front: enough to see what went over the wire.
Bytes wrapped(std::string_view key, std::string_view context, ByteSpan plaintext) {
  Bytes out;
  for (const std::string_view part : {key, context}) {
    out.insert(out.end(), part.begin(), part.end());
    out.push_back(0);
  }
  out.insert(out.end(), plaintext.begin(), plaintext.end());
  return out;
}

class RemoteKmsTest : public ::testing::Test {
 protected:
  ClientEnvironment environment_;
  TempDir temp_;
  const EncryptionContext context_{{"file", "f"}};
  std::array<std::uint8_t, 32> plaintext_{};
};

// A small service that keeps its word.
class Honest {
 public:
  bool has_batches = true;
  std::vector<std::string> targets;
  std::vector<std::size_t> batch_sizes;

  std::string answer(const FakeRequest& request, int& status) {
    const std::lock_guard lock(mutex_);
    targets.push_back(request.target());
    const json::object asked = json::parse(request.body).as_object();
    const std::string target = request.target();
    if (target == "TrentService.Decrypt") return json::serialize(decrypted(asked));
    if (target == "TrentService.Encrypt") return json::serialize(encrypted(asked));
    if (target == "TrentService.GenerateDataKey") return json::serialize(generated(asked));
    if (target == "TrentService.DescribeKey")
      return "{\"KeyMetadata\":{" + quoted("Arn", kTestArn) + "," + quoted("KeyState", "Enabled") + "," +
             quoted("CurrentKeyMaterialId", "m1") + ",\"CreationDate\":1.5,\"More\":[{}]}}";
    if (has_batches && target == "Enfold.Ping")
      return R"({"Version":"0.1.0","Operations":["BatchReEncrypt","BatchDecrypt"]})";
    if (has_batches && target == "Enfold.BatchDecrypt") return json::serialize(batch_decrypted(asked));
    if (has_batches && target == "Enfold.BatchReEncrypt") return json::serialize(batch_re_encrypted(asked));
    status = 400;
    return R"({"__type":"UnknownOperationException"})";
  }

  FakeServer::Script script() {
    return [this](FakeSocket& socket, const FakeRequest& request, int /*number*/) {
      int status = 200;
      const std::string body = answer(request, status);
      socket.answer(status, body);
    };
  }

  [[nodiscard]] int count(const std::string& target) const {
    return static_cast<int>(std::ranges::count(targets, target));
  }

 private:
  static std::string context_of(const json::object& asked, const char* name) {
    return asked.contains(name) ? json::serialize(asked.at(name)) : "";
  }

  static json::object decrypted_entry(const json::object& asked, const std::string& key,
                                      const std::string& context) {
    const Bytes blob = unbase64(asked.at("CiphertextBlob").as_string());
    const Bytes head = wrapped(key, context, {});
    if (blob.size() < head.size() || !std::ranges::equal(head, std::span(blob).first(head.size())))
      return {{"Error", json::object{{"__type", "InvalidCiphertextException"}}}};
    return {{"Plaintext", base64(std::span(blob).subspan(head.size()))}, {"KeyMaterialId", "m1"}};
  }

  static json::object decrypted(const json::object& asked) {
    const std::string key(asked.at("KeyId").as_string());
    json::object out = decrypted_entry(asked, key, context_of(asked, "EncryptionContext"));
    out["KeyId"] = key;
    out["EncryptionAlgorithm"] = "SYMMETRIC_DEFAULT";
    return out;
  }
  static json::object encrypted(const json::object& asked) {
    const std::string key(asked.at("KeyId").as_string());
    const Bytes blob =
        wrapped(key, context_of(asked, "EncryptionContext"), unbase64(asked.at("Plaintext").as_string()));
    return {{"CiphertextBlob", base64(blob)}, {"KeyId", key}};
  }
  static json::object generated(const json::object& asked) {
    EXPECT_EQ(asked.at("KeySpec").as_string(), "AES_256");
    json::object with_key = asked;
    with_key["Plaintext"] = base64(Bytes(32, 7));
    json::object out = encrypted(with_key);
    out["Plaintext"] = with_key["Plaintext"];
    out["KeyMaterialId"] = "m1";
    return out;
  }
  json::object batch_decrypted(const json::object& asked) {
    const std::string key(asked.at("KeyId").as_string());
    json::array out;
    for (const json::value& entry : asked.at("Entries").as_array())
      out.push_back(
          decrypted_entry(entry.as_object(), key, context_of(entry.as_object(), "EncryptionContext")));
    batch_sizes.push_back(out.size());
    return {{"KeyId", key}, {"Entries", out}};
  }
  json::object batch_re_encrypted(const json::object& asked) {
    const std::string from(asked.at("SourceKeyId").as_string());
    const std::string to(asked.at("DestinationKeyId").as_string());
    json::array out;
    for (const json::value& entry : asked.at("Entries").as_array()) {
      json::object opened =
          decrypted_entry(entry.as_object(), from, context_of(entry.as_object(), "SourceEncryptionContext"));
      if (!opened.contains("Error"))
        opened = {{"CiphertextBlob",
                   base64(wrapped(to, context_of(entry.as_object(), "DestinationEncryptionContext"),
                                  unbase64(opened["Plaintext"].as_string())))},
                  {"SourceKeyMaterialId", "m1"},
                  {"DestinationKeyMaterialId", "m2"}};
      out.push_back(opened);
    }
    batch_sizes.push_back(out.size());
    return {{"SourceKeyId", from}, {"KeyId", to}, {"Entries", out}};
  }

  std::mutex mutex_;
};

TEST_F(RemoteKmsTest, AsksForEachOperationInTheKeysRegion) {
  Honest honest;
  std::vector<std::string> regions;
  FakeServer server(
      [&](FakeSocket& socket, const FakeRequest& request, int number) {
        regions.push_back(request.header("x-enfold-region"));
        honest.script()(socket, request, number);
      },
      temp_ / "kms.sock");
  const auto kms = make_remote_kms(open_endpoint(server.url()));
  EXPECT_FALSE(kms->is_in_this_process());
  const auto made = kms->generate_data_key(kTestArn, context_);
  ASSERT_TRUE(made) << describe(made.error());
  EXPECT_EQ(to_hex(made->plaintext.expose()), to_hex(Bytes(32, 7)));
  EXPECT_EQ(made->key_arn, kTestArn);
  EXPECT_EQ(made->material_id, "m1");
  const auto material = kms->decrypt(kTestArn, made->ciphertext, context_, plaintext_);
  ASSERT_TRUE(material) << describe(material.error());
  EXPECT_EQ(*material, "m1");
  EXPECT_EQ(to_hex(plaintext_), to_hex(Bytes(32, 7)));
  const auto sealed = kms->encrypt(kTestArn, Bytes(32, 9), context_);
  ASSERT_TRUE(sealed);
  ASSERT_TRUE(kms->decrypt(kTestArn, *sealed, context_, plaintext_));
  EXPECT_EQ(to_hex(plaintext_), to_hex(Bytes(32, 9)));
  EXPECT_EQ(outcome(kms->decrypt(kTestArn, *sealed, {}, plaintext_)), "kms-bad-answer");
  const auto key = kms->describe_key(kTestArn);
  ASSERT_TRUE(key) << describe(key.error());
  EXPECT_EQ(key->key_arn + " " + key->state + " " + key->material_id, std::string(kTestArn) + " Enabled m1");
  EXPECT_EQ(regions, std::vector<std::string>(6, "eu-west-1"));
}

TEST_F(RemoteKmsTest, TakesTheRegionFromAnArnOfAnyPartition) {
  std::string region;
  FakeServer server(
      [&](FakeSocket& socket, const FakeRequest& request, int /*number*/) {
        region = request.header("x-enfold-region");
        socket.answer(400, R"({"__type":"NotFoundException"})");
      },
      temp_ / "kms.sock");
  const auto kms = make_remote_kms(open_endpoint(server.url()));
  EXPECT_EQ(outcome(kms->describe_key("arn:aws-cn:kms:cn-north-1:111122223333:alias/a")), "kms-not-found");
  EXPECT_EQ(region, "cn-north-1");
  EXPECT_EQ(outcome(kms->describe_key("alias/a")), "kms-not-found");
  EXPECT_EQ(region, "eu-west-1");
}

struct Many {
  explicit Many(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) contexts.push_back({{"file", std::to_string(i)}});
    for (std::size_t i = 0; i < count; ++i)
      blobs.push_back(wrapped(kTestArn, R"({"file":")" + std::to_string(i) + "\"}",
                              sha256({as_bytes(std::to_string(i))})));
    for (std::size_t i = 0; i < count; ++i) items.push_back({blobs[i], contexts[i]});
  }
  std::vector<EncryptionContext> contexts;
  std::vector<Bytes> blobs;
  std::vector<DecryptItem> items;
};

void expect_opened(const std::vector<Result<DecryptedKey>>& opened) {
  for (std::size_t i = 0; i < opened.size(); ++i) {
    ASSERT_TRUE(opened[i]) << i << ": " << describe(opened[i].error());
    ASSERT_EQ(to_hex(opened[i]->plaintext.expose()), to_hex(sha256({as_bytes(std::to_string(i))}))) << i;
    ASSERT_EQ(opened[i]->material_id, "m1");
  }
}

TEST_F(RemoteKmsTest, DecryptsManyByFewCallsWhereTheServiceCan) {
  Honest honest;
  FakeServer server(honest.script(), temp_ / "kms.sock");
  const auto kms = make_remote_kms(open_endpoint(server.url()));
  const Many many(2 * kMaxBatchEntries + 1);
  for (int round = 0; round < 2; ++round) {
    const auto opened = kms->decrypt_batch(kTestArn, many.items);
    ASSERT_EQ(opened.size(), many.items.size());
    expect_opened(opened);
  }
  EXPECT_EQ(honest.count("Enfold.Ping"), 1);
  EXPECT_EQ(honest.batch_sizes, (std::vector<std::size_t>{1000, 1000, 1, 1000, 1000, 1}));
}

TEST_F(RemoteKmsTest, DecryptsOneByOneWhereTheServiceKnowsNoBatches) {
  Honest honest;
  honest.has_batches = false;
  FakeServer server(honest.script(), temp_ / "kms.sock");
  const auto kms = make_remote_kms(open_endpoint(server.url()));
  const Many many(20);
  for (int round = 0; round < 2; ++round) expect_opened(kms->decrypt_batch(kTestArn, many.items));
  EXPECT_EQ(honest.count("Enfold.Ping"), 1);
  EXPECT_EQ(honest.count("TrentService.Decrypt"), 40);
  EXPECT_FALSE(kms->re_encrypt_batch(kTestArn, kOtherTestArn, many.items));
}

TEST_F(RemoteKmsTest, GoesOnOneByOneWhereTheServiceForgetsItsBatches) {
  Honest honest;
  FakeServer server(honest.script(), temp_ / "kms.sock");
  const auto kms = make_remote_kms(open_endpoint(server.url()));
  const Many many(3);
  expect_opened(kms->decrypt_batch(kTestArn, many.items));
  honest.has_batches = false;
  for (int round = 0; round < 2; ++round) expect_opened(kms->decrypt_batch(kTestArn, many.items));
  EXPECT_EQ(honest.count("TrentService.Decrypt"), 6);
  EXPECT_EQ(honest.count("Enfold.BatchDecrypt"), 2) << "one that was done, one that taught it";
  EXPECT_EQ(honest.count("Enfold.Ping"), 1);
}

TEST_F(RemoteKmsTest, AsksAgainWhatTheServiceCanWhereItDidNotAnswer) {
  Honest honest;
  FakeServer server(
      [&](FakeSocket& socket, const FakeRequest& request, int number) {
        if (number <= 3) return socket.close();
        honest.script()(socket, request, number);
      },
      temp_ / "kms.sock");
  const auto kms = make_remote_kms(open_endpoint(server.url()));
  const Many many(5);
  expect_opened(kms->decrypt_batch(kTestArn, many.items));
  EXPECT_EQ(honest.count("TrentService.Decrypt"), 5);
  expect_opened(kms->decrypt_batch(kTestArn, many.items));
  EXPECT_EQ(honest.batch_sizes, (std::vector<std::size_t>{5}));
}

TEST_F(RemoteKmsTest, SplitsWhatIsTooLongForOneRequest) {
  Honest honest;
  std::size_t longest = 0;
  FakeServer server(
      [&](FakeSocket& socket, const FakeRequest& request, int number) {
        longest = std::max(longest, request.body.size());
        honest.script()(socket, request, number);
      },
      temp_ / "kms.sock");
  const auto kms = make_remote_kms(open_endpoint(server.url()));
  const std::size_t count = 900;
  const EncryptionContext long_context{{"k", std::string(4000, '"')}};
  std::vector<DecryptItem> items;
  const Bytes blob =
      wrapped(kTestArn, json::serialize(json::object{{"k", std::string(4000, '"')}}), Bytes(32, 1));
  for (std::size_t i = 0; i < count; ++i) items.push_back({blob, long_context});
  const auto opened = kms->decrypt_batch(kTestArn, items);
  ASSERT_EQ(opened.size(), count);
  for (const auto& key : opened) ASSERT_TRUE(key) << describe(key.error());
  EXPECT_LE(longest, std::size_t{4} << 20U);
  EXPECT_GT(honest.batch_sizes.size(), 1U);
}

TEST_F(RemoteKmsTest, GivesEachEntryItsOwnError) {
  Honest honest;
  FakeServer server(honest.script(), temp_ / "kms.sock");
  const auto kms = make_remote_kms(open_endpoint(server.url()));
  Many many(3);
  many.blobs[1] = wrapped(kTestArn, R"({"file":"1"})", Bytes(31, 1));
  const EncryptionContext wrong;
  const std::vector<DecryptItem> items{
      many.items[0], {many.blobs[1], many.contexts[1]}, {many.blobs[2], wrong}};
  const auto opened = kms->decrypt_batch(kTestArn, items);
  EXPECT_EQ(outcome(opened[0]), "ok");
  EXPECT_EQ(outcome(opened[1]), "kms-bad-answer");
  EXPECT_EQ(outcome(opened[2]), "kms-invalid-ciphertext");
  EXPECT_NE(opened[2].error().message, "");
}

// The service names a key in what it did, and here it did nothing.
TEST_F(RemoteKmsTest, GivesEachEntryItsOwnErrorAlsoWhereAllHaveOne) {
  Honest honest;
  FakeServer server(
      [&](FakeSocket& socket, const FakeRequest& request, int number) {
        if (!request.target().starts_with("Enfold.Batch")) return honest.script()(socket, request, number);
        socket.answer(200, R"({"Entries":[{"Error":{"__type":"InvalidCiphertextException"}},)"
                           R"({"Error":{"__type":"InvalidCiphertextException"}}]})");
      },
      temp_ / "kms.sock");
  const auto kms = make_remote_kms(open_endpoint(server.url()));
  const Many many(2);
  for (const auto& opened : kms->decrypt_batch(kTestArn, many.items))
    EXPECT_EQ(outcome(opened), "kms-invalid-ciphertext");
  const auto done = kms->re_encrypt_batch(kTestArn, kOtherTestArn, many.items);
  ASSERT_TRUE(done);
  for (const auto& made : *done) EXPECT_EQ(outcome(made), "kms-invalid-ciphertext");
}

TEST_F(RemoteKmsTest, AsksWhatTheServiceCanInTheKeysRegion) {
  environment_.set("AWS_REGION", std::nullopt);
  Honest honest;
  FakeServer server(honest.script());
  const auto kms = make_remote_kms(open_endpoint(server.url()));
  const Many many(3);
  expect_opened(kms->decrypt_batch(kTestArn, many.items));
  EXPECT_EQ(honest.batch_sizes, (std::vector<std::size_t>{3}));
}

TEST_F(RemoteKmsTest, ReEncryptsManyWithoutTheirPlaintexts) {
  Honest honest;
  FakeServer server(honest.script(), temp_ / "kms.sock");
  const auto kms = make_remote_kms(open_endpoint(server.url()));
  const Many many(kMaxBatchEntries + 2);
  const auto done = kms->re_encrypt_batch(kTestArn, kOtherTestArn, many.items);
  ASSERT_TRUE(done);
  ASSERT_EQ(done->size(), many.items.size());
  std::vector<DecryptItem> again;
  for (std::size_t i = 0; i < done->size(); ++i) {
    ASSERT_TRUE((*done)[i]) << describe((*done)[i].error());
    ASSERT_EQ((*done)[i]->material_id, "m2");
    again.push_back({(*done)[i]->ciphertext, many.contexts[i]});
  }
  expect_opened(kms->decrypt_batch(kOtherTestArn, again));
}

// The process of a mount that is unmounted waits for it.
TEST_F(RemoteKmsTest, GivesABatchTimeByItsEntries) {
  Honest honest;
  std::atomic<int> delay_ms = 0;
  FakeServer server(
      [&](FakeSocket& socket, const FakeRequest& request, int number) {
        if (request.target() == "Enfold.BatchDecrypt") socket.sleep_ms(delay_ms);
        honest.script()(socket, request, number);
      },
      temp_ / "kms.sock");
  RemotePolicy policy = quick_policy();
  policy.batch_entry_ns = 100 * kNsPerMs;
  const auto kms = make_remote_kms(open_endpoint(server.url(), policy));
  delay_ms = static_cast<int>(policy.call_ns / kNsPerMs) + 500;
  expect_opened(kms->decrypt_batch(kTestArn, Many(100).items));
  delay_ms = 3'600'000;
  const auto begin = std::chrono::steady_clock::now();
  for (const auto& key : kms->decrypt_batch(kTestArn, Many(2).items))
    EXPECT_EQ(outcome(key), "kms-unavailable");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30)) << "it had a minute once";
}

TEST_F(RemoteKmsTest, AThousandEntriesHaveAQuarterOfAMinute) {
  constexpr std::int64_t kSecondNs = 1'000 * kNsPerMs;
  const RemotePolicy policy;
  EXPECT_LE(policy.call_ns + 1'000 * policy.batch_entry_ns, 15 * kSecondNs);
  EXPECT_LE(policy.call_ns + 64 * policy.batch_entry_ns, 6 * kSecondNs) << "what a rekey asks for at once";
}

TEST_F(RemoteKmsTest, AsksNobodyForTheRestOfWhatIsAway) {
  FakeServer server([](FakeSocket& socket, const FakeRequest&, int) { socket.close(); }, temp_ / "kms.sock");
  const auto kms = make_remote_kms(open_endpoint(server.url()));
  const Many many(50);
  const auto opened = kms->decrypt_batch(kTestArn, many.items);
  ASSERT_EQ(opened.size(), 50U);
  for (const auto& key : opened) EXPECT_EQ(outcome(key), "kms-unavailable");
  EXPECT_LE(server.requests(), 6);
}

}  // namespace
}  // namespace enfold
