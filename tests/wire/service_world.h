// A key service over a store of its own, as a daemon would have it, without sockets.
#pragma once

#include <boost/json/fwd.hpp>
#include <memory>
#include <string>

#include "kms/wire/kms_service.h"
#include "kms/wire/sigv4.h"
#include "tests/kms/support.h"

namespace enfold {

inline constexpr std::uint32_t kAliceUnixId = 4711;
inline constexpr std::uint32_t kStrangerUnixId = 4712;
inline constexpr std::string_view kAccount = "111122223333";

// What came back, read.
struct ReadAnswer {
  int status = 0;
  std::string body;
  std::string request_id;
  std::string content_type;

  [[nodiscard]] std::string type() const;     // __type, empty where there is none
  [[nodiscard]] std::string message() const;  // as type()
  [[nodiscard]] boost::json::object json() const;
  [[nodiscard]] std::string text(std::string_view name) const;  // a member, empty where it is no text
};

// A request that the test may change before it is sent: headers in order.
struct OwnedRequest {
  std::string method = "POST";
  std::string target = "/";
  std::vector<OwnedHeader> headers;
  std::string body;

  [[nodiscard]] HttpRequestView view() const;
  std::string& value(std::string_view name);  // of a header, made where there is none
  void erase(std::string_view name);
};

class ServiceWorld : public ::testing::Test {
 protected:
  ServiceWorld();
  ~ServiceWorld() override;

  ReadAnswer send(const OwnedRequest& request, const ConnectionPeer& peer);
  // By alice, over the Unix socket. `operation` with its prefix left out is one of AWS's.
  ReadAnswer call(std::string_view operation, std::string_view body = "{}");
  ReadAnswer call_as(std::uint32_t unix_id, std::string_view operation, std::string_view body = "{}");
  static OwnedRequest request(std::string_view operation, std::string_view body);

  // Alice, with this access key, or as a Unix user.
  OwnedRequest signed_request(std::string_view operation, std::string_view body,
                              const std::string& region = "eu-west-1");
  std::string new_key(const std::string& description = "");  // its id, of alice's account and region local

  ConnectionPeer tcp_{};
  ConnectionPeer alice_{kAliceUnixId};
  TempDir temp_;
  SystemEntropy entropy_;
  ManualClock clock_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<KmsService> service_;
  NewAccessKey access_key_;
};

}  // namespace enfold
