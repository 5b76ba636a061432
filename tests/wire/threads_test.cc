// Eight clients at once, signed and not, reading and changing: for ThreadSanitizer, and that each gets its
// own answer.
#include <boost/json.hpp>
#include <thread>

#include "tests/wire/operation_support.h"

namespace enfold {
namespace {

namespace json = boost::json;

class Threads : public OperationWorld {
 protected:
  // A round trip of a plaintext that is this client's alone.
  void round_trip(const std::string& key, const std::string& mine, bool is_signed) {
    const json::object context{{"who", mine}};
    const ReadAnswer sealed =
        send_as(is_signed, "Encrypt",
                {{"KeyId", key}, {"Plaintext", base64_of(mine)}, {"EncryptionContext", context}});
    ASSERT_EQ(sealed.status, 200) << sealed.body;
    const ReadAnswer opened =
        send_as(is_signed, "Decrypt",
                {{"CiphertextBlob", sealed.text("CiphertextBlob")}, {"EncryptionContext", context}});
    EXPECT_EQ(opened.text("Plaintext"), base64_of(mine)) << opened.body;
    EXPECT_EQ(send_as(is_signed, "Decrypt", {{"CiphertextBlob", sealed.text("CiphertextBlob")}}).type(),
              "InvalidCiphertextException");
  }

  ReadAnswer send_as(bool is_signed, std::string_view operation, const json::object& request) {
    return is_signed ? send(signed_request(operation, json::serialize(request), "local"), tcp_)
                     : ask(operation, request);
  }
};

TEST_F(Threads, EightClients) {
  const std::string key = new_key();
  std::vector<std::jthread> clients;
  for (int client = 0; client < 8; ++client)
    clients.emplace_back([&, client] {
      for (int i = 0; i < 20; ++i) {
        round_trip(key, std::to_string(client) + "/" + std::to_string(i), client % 2 == 0);
        if (i % 5 != 0) continue;
        if (client == 6) {
          EXPECT_EQ(call("CreateKey").status, 200);
        }
        if (client == 7) {
          EXPECT_EQ(ask("RotateKeyOnDemand", {{"KeyId", key}}).status, 200);
        }
      }
    });
  clients.clear();
  EXPECT_EQ(ask("ListKeys", {}).json().at("Keys").as_array().size(), 5U);
}

}  // namespace
}  // namespace enfold
