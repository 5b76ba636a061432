// A server with a stand-in behind it, and clients that send bytes as they please.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "kms/base/entropy.h"
#include "kms/base/files.h"
#include "kms/daemon/server.h"
#include "tests/kms/support.h"

namespace enfold {

// Answers "METHOD TARGET BODY"; to /hold only when release() was called, to /large a mebibyte, and it throws
// for /throw.
class StubHandler final : public RequestHandler {
 public:
  std::size_t body_limit(const HttpRequestView& head, const ConnectionPeer& peer) override;
  HttpAnswer handle(const HttpRequestView& request, const ConnectionPeer& peer) override;

  void wait_until_held(int count);
  void release();
  std::vector<ConnectionPeer> peers();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int held_ = 0;
  bool released_ = false;
  std::vector<ConnectionPeer> peers_;
};

inline constexpr std::size_t kStubBodyLimit = 4096;  // a head with X-Large: 1 MiB

struct ReceivedAnswer {
  int status = 0;  // 0: the connection ended without one
  std::string head;
  std::string body;
};

// A connection. Reads give up after a minute, so that a server that hangs fails the test.
class RawClient {
 public:
  explicit RawClient(Fd socket);
  static RawClient over_unix(const std::string& path);
  static RawClient over_tcp(const ListenAddress& address);

  // False where the server does not take it any more.
  bool send(std::string_view bytes);
  void end_sending();
  ReceivedAnswer answer();
  // Whether the server ends the connection, with or without more bytes before.
  bool is_ended();
  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  bool receive();

  Fd socket_;
  std::string received_;
};

std::string post(std::string_view target, std::string_view body, std::string_view more_headers = "");

class TestServer {
 public:
  explicit TestServer(const ServerLimits& limits = {});
  RawClient unix_client() { return RawClient::over_unix(path_); }
  RawClient tcp_client() { return RawClient::over_tcp(tcp_); }
  std::vector<RawClient> clients();  // one of each
  [[nodiscard]] const std::string& path() const { return path_; }

  StubHandler handler;

 private:
  TempDir dir_;
  std::string path_;
  ListenAddress tcp_;
  SystemClock clock_;
  SystemEntropy entropy_;

 public:
  std::unique_ptr<Server> server;  // goes first
};

}  // namespace enfold
