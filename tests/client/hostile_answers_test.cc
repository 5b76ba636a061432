// Services that answer badly on purpose: every answer is refused, in time, and the client lives on.
#include <atomic>
#include <boost/json.hpp>
#include <chrono>
#include <random>

#include "kms/client/remote_kms.h"
#include "kms/wire/base64.h"
#include "tests/client/support.h"

namespace enfold {
namespace {

std::string base64(std::size_t count) {
  const Bytes bytes(count, 5);
  std::string out(base64_size(count), '\0');
  encode_base64(bytes, out.data());
  return out;
}

struct Members {
  std::string key = '"' + std::string(kTestArn) + '"';
  std::string blob = '"' + base64(100) + '"';
  std::string plaintext = '"' + base64(32) + '"';
  std::string material = "\"m1\"";

  [[nodiscard]] std::string json() const {
    return R"({"KeyId":)" + key + R"(,"CiphertextBlob":)" + blob + R"(,"Plaintext":)" + plaintext +
           R"(,"KeyMaterialId":)" + material + R"(,"Unknown":{"a":[null,1e5]}})";
  }
};

class HostileAnswers : public ::testing::Test {
 protected:
  // What generate_data_key and decrypt make of a service that does this.
  std::pair<std::string, std::string> made_of(const FakeServer::Script& script) {
    FakeServer server(script);
    const auto kms = make_remote_kms(open_endpoint(server.url(), policy_));
    std::array<std::uint8_t, 32> plaintext{};
    std::pair<std::string, std::string> out{outcome(kms->generate_data_key(kTestArn, {})),
                                            outcome(kms->decrypt(kTestArn, Bytes(100, 5), {}, plaintext))};
    requests_ = server.requests();
    return out;
  }
  std::pair<std::string, std::string> made_of_body(const std::string& body, int status = 200) {
    return made_of([&](FakeSocket& socket, const FakeRequest&, int) { socket.answer(status, body); });
  }
  std::pair<std::string, std::string> made_of_bytes(const std::string& bytes) {
    return made_of([&](FakeSocket& socket, const FakeRequest&, int) {
      socket.send(bytes);
      socket.close();
    });
  }

  ClientEnvironment environment_;
  RemotePolicy policy_ = quick_policy();
  int requests_ = 0;
  const std::pair<std::string, std::string> both_ok_{"ok", "ok"};
  const std::pair<std::string, std::string> both_bad_{"kms-bad-answer", "kms-bad-answer"};
  const std::pair<std::string, std::string> both_away_{"kms-unavailable", "kms-unavailable"};
};

TEST_F(HostileAnswers, AnHonestOneIsTakenWithMembersThatNobodyKnows) {
  EXPECT_EQ(made_of_body(Members{}.json()), both_ok_);
}

TEST_F(HostileAnswers, KeysOfAnotherLengthAreRefused) {
  for (const std::size_t length : {0U, 1U, 16U, 31U, 33U, 64U, 4096U, 5000U}) {
    Members members;
    members.plaintext = '"' + base64(length) + '"';
    EXPECT_EQ(made_of_body(members.json()), both_bad_) << length;
  }
}

TEST_F(HostileAnswers, WhatIsNoBase64IsRefused) {
  const std::string good = base64(32);
  for (const std::string& text :
       {good.substr(1), good + "=", good + "\\n", " " + good.substr(1),
        good.substr(0, good.size() - 1) + "A=", good.substr(0, good.size() - 2) + "V=", "-" + good.substr(1),
        "=" + good.substr(1), std::string("\\u0000===")}) {
    Members members;
    members.plaintext = '"' + text + '"';
    EXPECT_EQ(made_of_body(members.json()), both_bad_) << text;
    members = {};
    members.blob = '"' + text + '"';
    EXPECT_EQ(made_of_body(members.json()).first, "kms-bad-answer") << text;
  }
}

TEST_F(HostileAnswers, MembersOfOtherTypesAreRefused) {
  for (const char* value : {"null", "17", "true", "[]", "{}", "\"\""}) {
    for (std::string Members::*member : {&Members::key, &Members::plaintext}) {
      Members members;
      members.*member = value;
      EXPECT_EQ(made_of_body(members.json()), both_bad_) << value;
    }
    Members members;
    members.blob = value;
    EXPECT_EQ(made_of_body(members.json()).first, "kms-bad-answer") << value;
  }
}

TEST_F(HostileAnswers, AnotherKeyThanTheOneAskedForIsRefused) {
  for (const std::string& key :
       {std::string(kOtherTestArn), std::string("11111111-2222-3333-4444-555555555555"),
        std::string("alias/x"), std::string(kTestArn) + " ",
        "arn:aws:kms:eu-west-1:111122223333:key/" + std::string(3000, 'x')}) {
    Members members;
    members.key = '"' + key + '"';
    EXPECT_EQ(made_of_body(members.json()), both_bad_) << key;
  }
}

TEST_F(HostileAnswers, BlobsAndMaterialIdsThatAreTooLongAreRefused) {
  Members members;
  members.blob = '"' + base64(6145) + '"';
  EXPECT_EQ(made_of_body(members.json()).first, "kms-bad-answer");
  members.blob = '"' + base64(6144) + '"';
  EXPECT_EQ(made_of_body(members.json()), both_ok_);
  members = {};
  members.material = '"' + std::string(65, 'a') + '"';
  EXPECT_EQ(made_of_body(members.json()), both_bad_);
  members.material = R"("a\nb")";
  EXPECT_EQ(made_of_body(members.json()), both_bad_);
  members.material = "null";
  EXPECT_EQ(made_of_body(members.json()), both_ok_);
}

TEST_F(HostileAnswers, WhatIsNoJsonObjectIsRefusedAndAskedForOnce) {
  const std::string good = Members{}.json();
  for (const std::string& body :
       {std::string(), std::string("{"), good.substr(0, good.size() / 2), good + "x", good + good,
        std::string("[]"), std::string("17"), std::string("<html></html>"), std::string(100, '\0'),
        std::string("\xff\xfe{}"), std::string(100'000, '['), R"({"KeyId":)" + std::string(1000, '{')}) {
    EXPECT_EQ(made_of_body(body), both_bad_) << body.substr(0, 40);
    EXPECT_EQ(requests_, 2);
  }
}

// It would take twenty times as much memory to parse.
TEST_F(HostileAnswers, MoreThanAnAnswerCanBeIsNotParsed) {
  const std::string good = Members{}.json();
  const std::string padding(2 << 20U, ' ');
  EXPECT_EQ(made_of_body(good + padding.substr(0, 100'000)), both_ok_);
  EXPECT_EQ(made_of_body(good + padding), both_bad_);
  EXPECT_EQ(made_of_body(R"({"__type":"DisabledException"})" + padding, 400), both_bad_);
}

TEST_F(HostileAnswers, ErrorsThatNobodySendsAreRefused) {
  EXPECT_EQ(made_of_body("{}", 400), both_bad_);
  EXPECT_EQ(made_of_body(R"({"__type":17})", 400), both_bad_);
  EXPECT_EQ(made_of_body(R"({"__type":"NobodyKnowsThis","message":"x"})", 400), both_bad_);
  EXPECT_EQ(made_of_body("<html>not found</html>", 404), both_bad_);
  EXPECT_EQ(made_of_body("", 204), both_bad_);
  EXPECT_EQ(made_of_body(Members{}.json(), 201), both_bad_);
  EXPECT_EQ(made_of_body("<html>bad gateway</html>", 502), both_away_);
  EXPECT_EQ(made_of_body("oops", 500).first, "kms-internal");
}

TEST_F(HostileAnswers, RedirectsAreNotFollowed) {
  FakeServer elsewhere(
      [](FakeSocket& socket, const FakeRequest&, int) { socket.answer(200, Members{}.json()); });
  for (const int status : {301, 302, 307, 308})
    EXPECT_EQ(made_of([&](FakeSocket& socket, const FakeRequest&, int) {
                socket.answer(status, "", "Location: " + elsewhere.url() + "/\r\n");
              }),
              both_bad_);
  EXPECT_EQ(elsewhere.connections(), 0);
}

TEST_F(HostileAnswers, WhatIsNoHttpIsRefused) {
  const std::string body = Members{}.json();
  const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  for (const std::string& bytes :
       {std::string("SSH-2.0-OpenSSH\r\n\r\n"), std::string(4096, '\0'), "HTTP/1.1 abc OK\r\n" + length,
        "HTTP/9.9 200 OK\r\n" + length, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + body,
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n" + body,
        "HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n" + body,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + body,
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n" + length,
        "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n" + length,
        "HTTP/1.1 200 OK\r\nno colon\r\n" + length})
    EXPECT_EQ(made_of_bytes(bytes), both_bad_) << bytes.substr(0, 60);
}

TEST_F(HostileAnswers, AnAnswerWithoutEndIsRefused) {
  EXPECT_EQ(made_of([](FakeSocket& socket, const FakeRequest&, int) {
              socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
              while (!socket.is_closed() && !socket.is_stopped())
                socket.send("10000\r\n" + std::string(0x10000, ' ') + "\r\n");
            }),
            both_bad_);
  EXPECT_EQ(made_of([](FakeSocket& socket, const FakeRequest&, int) {
              while (!socket.is_closed() && !socket.is_stopped()) socket.send(std::string(65536, 'H'));
            }),
            both_bad_);
}

// Ten openings at once would have cost a mount half a gigabyte.
TEST_F(HostileAnswers, OfAnAnswerWithoutEndNoMoreIsReadThanOneCanHave) {
  TempDir temp;
  std::atomic<std::size_t> sent = 0;
  FakeServer server(
      [&](FakeSocket& socket, const FakeRequest& request, int) {
        if (request.target() == "Enfold.Ping")
          return socket.answer(200, R"({"Operations":["BatchDecrypt","BatchReEncrypt"]})");
        socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (; !socket.is_closed() && !socket.is_stopped(); sent += 0x10000)
          socket.send("10000\r\n" + std::string(0x10000, ' ') + "\r\n");
      },
      temp / "kms.sock");
  const auto kms = make_remote_kms(open_endpoint(server.url(), policy_));
  constexpr std::size_t kInSockets = 1U << 20U;
  EXPECT_EQ(outcome(kms->generate_data_key(kTestArn, {})), "kms-bad-answer");
  EXPECT_LE(sent, kInSockets + (1U << 20U));
  sent = 0;
  const Bytes blob(100, 5);
  const EncryptionContext context;
  const std::vector<DecryptItem> items(10, {blob, context});
  for (const auto& opened : kms->decrypt_batch(kTestArn, items)) EXPECT_EQ(outcome(opened), "kms-bad-answer");
  EXPECT_LE(sent, kInSockets + (2U << 20U)) << "of ten entries";
}

TEST_F(HostileAnswers, AnAnswerCutAnywhereIsNoAnswer) {
  const std::string body = Members{}.json();
  const std::string whole =
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  std::mt19937_64 random(test_seed());
  for (int i = 0; i < 20; ++i) {
    const std::size_t cut = random() % whole.size();
    EXPECT_EQ(made_of_bytes(whole.substr(0, cut)), both_away_) << cut;
    EXPECT_EQ(requests_, 4) << "asked three times, and once by who comes after";
  }
}

TEST_F(HostileAnswers, RandomDamageNeverGivesAnythingButTheKeyOrARefusal) {
  const std::string body = Members{}.json();
  const std::string whole =
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  std::mt19937_64 random(test_seed());
  policy_.call_ns = policy_.call_ns / 5;
  FakeServer server([&](FakeSocket& socket, const FakeRequest&, int) {
    std::string damaged = whole;
    for (std::size_t n = 1 + random() % 4; n > 0; --n)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    socket.send(damaged);
    socket.close();
  });
  const auto kms = make_remote_kms(open_endpoint(server.url(), policy_));
  for (int i = 0; i < 300; ++i) {
    const auto answer = kms->generate_data_key(kTestArn, {});
    if (answer) {
      EXPECT_EQ(answer->key_arn, kTestArn);
    }
  }
}

TEST_F(HostileAnswers, OneByteASecondEndsInTime) {
  const auto begin = std::chrono::steady_clock::now();
  policy_.call_ns = 500 * kNsPerMs;
  EXPECT_EQ(made_of([](FakeSocket& socket, const FakeRequest&, int) {
              socket.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
              while (!socket.is_closed() && !socket.is_stopped()) {
                socket.send("x");
                socket.sleep_ms(100);
              }
            }),
            both_away_);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

TEST_F(HostileAnswers, SilenceEndsInTime) {
  policy_.call_ns = 300 * kNsPerMs;
  EXPECT_EQ(made_of([](FakeSocket& socket, const FakeRequest&, int) { socket.wait_for_end(); }), both_away_);
  EXPECT_EQ(made_of([](FakeSocket& socket, const FakeRequest&, int) { socket.reset(); }), both_away_);
  EXPECT_EQ(requests_, 4);
}

TEST_F(HostileAnswers, BatchesOfAnotherShapeAreRefused) {
  const std::string key = R"("KeyId":")" + std::string(kTestArn) + '"';
  const std::string entry = R"({"Plaintext":")" + base64(32) + R"(","KeyMaterialId":"m"})";
  for (const std::string& body :
       {std::string("{}"), "{" + key + "}", "{" + key + R"(,"Entries":{}})", "{" + key + R"(,"Entries":[]})",
        "{" + key + R"(,"Entries":[)" + entry + "]}",
        "{" + key + R"(,"Entries":[)" + entry + "," + entry + "," + entry + "]}",
        "{" + key + R"(,"Entries":[)" + entry + ",17]}", R"({"Entries":[)" + entry + "," + entry + "]}",
        R"({"KeyId":")" + std::string(kOtherTestArn) + R"(","Entries":[)" + entry + "," + entry + "]}"}) {
    FakeServer server([&](FakeSocket& socket, const FakeRequest& request, int) {
      socket.answer(200, request.target() == "Enfold.Ping" ? R"({"Operations":["BatchDecrypt"]})" : body);
    });
    const auto kms = make_remote_kms(open_endpoint(server.url()));
    const Bytes blob(100, 5);
    const EncryptionContext context;
    const std::vector<DecryptItem> items(2, {blob, context});
    const auto opened = kms->decrypt_batch(kTestArn, items);
    ASSERT_EQ(opened.size(), 2U);
    for (const auto& one : opened) EXPECT_EQ(outcome(one), "kms-bad-answer") << body;
    EXPECT_EQ(server.requests(), 2);
  }
}

TEST_F(HostileAnswers, ABatchFromOrToAnotherKeyIsRefused) {
  std::string from;
  std::string to;
  FakeServer server([&](FakeSocket& socket, const FakeRequest& request, int) {
    if (request.target() == "Enfold.Ping") return socket.answer(200, R"({"Operations":["BatchReEncrypt"]})");
    socket.answer(200, R"({"SourceKeyId":")" + from + R"(","KeyId":")" + to +
                           R"(","Entries":[{"CiphertextBlob":")" + base64(100) +
                           R"(","DestinationKeyMaterialId":"m"}]})");
  });
  const auto kms = make_remote_kms(open_endpoint(server.url()));
  const Bytes blob(100, 5);
  const EncryptionContext context;
  const std::vector<DecryptItem> items(1, {blob, context});
  for (const char* named_from : {kTestArn, kOtherTestArn})
    for (const char* named_to : {kTestArn, kOtherTestArn}) {
      from = named_from;
      to = named_to;
      const auto done = kms->re_encrypt_batch(kTestArn, kOtherTestArn, items);
      ASSERT_TRUE(done);
      const bool is_honest = from == kTestArn && to == kOtherTestArn;
      EXPECT_EQ(outcome(done->at(0)), is_honest ? "ok" : "kms-bad-answer") << from << " " << to;
    }
}

}  // namespace
}  // namespace enfold
