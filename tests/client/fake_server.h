// A key service that does to each request what a test says: answers, half of an answer, garbage, nothing.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "kms/base/files.h"

namespace enfold {

struct FakeRequest {
  std::string head;  // to the empty line
  std::string body;

  // Of a header, by its name in any case; empty where there is none.
  [[nodiscard]] std::string header(const std::string& name) const;
  [[nodiscard]] std::string target() const { return header("X-Amz-Target"); }
};

// What a script does to the connection of a request.
class FakeSocket {
 public:
  FakeSocket(int fd, const std::atomic<bool>& stopped) : fd_(fd), stopped_(stopped) {}
  void send(const std::string& text);
  // A whole answer.
  void answer(int status, const std::string& body, const std::string& more_headers = {});
  void sleep_ms(int milliseconds);  // less when the server ends
  void wait_for_end();              // until the server ends
  void close() { is_closed_ = true; }
  void reset();      // closes with RST
  void shut_down();  // says at once that nothing more will come
  [[nodiscard]] bool is_closed() const { return is_closed_; }
  [[nodiscard]] bool is_stopped() const { return stopped_; }

 private:
  int fd_;
  const std::atomic<bool>& stopped_;
  bool is_closed_ = false;
};

class FakeServer {
 public:
  // `number` counts the requests from 1. Called by a thread for each connection.
  using Script = std::function<void(FakeSocket& socket, const FakeRequest& request, int number)>;

  explicit FakeServer(Script script, int port = 0);           // on 127.0.0.1
  FakeServer(Script script, const std::string& socket_path);  // on a Unix socket
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  ~FakeServer();

  [[nodiscard]] std::string url() const { return url_; }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] int requests() const { return requests_; }
  [[nodiscard]] int most_at_once() const { return most_at_once_; }

 private:
  void start(Script script);
  void accept_all();
  void serve(int fd);

  Script script_;
  std::string url_;
  int port_ = 0;
  Fd listener_;
  std::atomic<bool> stopped_{false};
  std::atomic<int> connections_{0};
  std::atomic<int> requests_{0};
  std::atomic<int> busy_{0};
  std::atomic<int> most_at_once_{0};
  std::mutex mutex_;  // guards what follows
  std::vector<Fd> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// A port of this machine where nothing listens.
int unused_port();

}  // namespace enfold
