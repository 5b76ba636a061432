#include "tests/client/fake_server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace enfold {
namespace {

Fd new_socket(int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) std::abort();
  return Fd(fd);
}

int listen_on_loopback(Fd& socket, int port) {
  socket = new_socket(AF_INET);
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

// False where the other end has closed, or the server ends.
bool read_until(int fd, std::string& text, std::size_t size) {
  while (text.size() < size) {
    std::array<char, 65536> part{};
    const ssize_t count = ::recv(fd, part.data(), std::min(part.size(), size - text.size()), 0);
    if (count <= 0) return false;
    text.append(part.data(), static_cast<std::size_t>(count));
  }
  return true;
}

bool read_request(int fd, FakeRequest& request) {
  while (!request.head.ends_with("\r\n\r\n"))
    if (!read_until(fd, request.head, request.head.size() + 1)) return false;
  const std::string length = request.header("Content-Length");
  return read_until(fd, request.body, length.empty() ? 0 : std::stoul(length));
}

}  // namespace

std::string FakeRequest::header(const std::string& name) const {
  std::istringstream lines(head);
  std::string line;
  while (std::getline(lines, line)) {
    const std::size_t colon = line.find(": ");
    if (colon == name.size() && ::strncasecmp(line.c_str(), name.c_str(), colon) == 0)
      return line.substr(colon + 2, line.size() - colon - 3);
  }
  return {};
}

void FakeSocket::send(const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t count = ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return close();
    sent += static_cast<std::size_t>(count);
  }
}

void FakeSocket::answer(int status, const std::string& body, const std::string& more_headers) {
  send("HTTP/1.1 " + std::to_string(status) + " Whatever\r\nContent-Type: application/x-amz-json-1.1\r\n" +
       more_headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

void FakeSocket::sleep_ms(int milliseconds) {
  for (int slept = 0; slept < milliseconds && !stopped_; slept += 5)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

void FakeSocket::wait_for_end() {
  while (!stopped_) sleep_ms(1000);
}

void FakeSocket::reset() {
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close();
}

void FakeSocket::shut_down() { ::shutdown(fd_, SHUT_WR); }

FakeServer::FakeServer(Script script, int port) {
  port_ = listen_on_loopback(listener_, port);
  url_ = "http://127.0.0.1:" + std::to_string(port_);
  start(std::move(script));
}

FakeServer::FakeServer(Script script, const std::string& socket_path) : url_("unix:" + socket_path) {
  listener_ = new_socket(AF_UNIX);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(socket_path, address.sun_path);
  EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  start(std::move(script));
}

void FakeServer::start(Script script) {
  script_ = std::move(script);
  EXPECT_EQ(::listen(listener_.get(), 64), 0);
  acceptor_ = std::thread([this] { accept_all(); });
}

FakeServer::~FakeServer() {
  stopped_ = true;
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const Fd& socket : sockets_) ::shutdown(socket.get(), SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
}

void FakeServer::accept_all() {
  for (;;) {
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket.valid() && errno == EMFILE && !stopped_) {  // a test took them away
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    if (!socket.valid() || stopped_) return;
    ++connections_;
    const int fd = socket.get();
    const std::lock_guard lock(mutex_);
    sockets_.push_back(std::move(socket));
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

void FakeServer::serve(int fd) {
  FakeSocket socket(fd, stopped_);
  while (!socket.is_closed()) {
    FakeRequest request;
    if (!read_request(fd, request)) break;
    const int at_once = ++busy_;
    int most = most_at_once_;
    while (most < at_once && !most_at_once_.compare_exchange_weak(most, at_once)) {
    }
    script_(socket, request, ++requests_);
    --busy_;
  }
  const std::lock_guard lock(mutex_);
  for (Fd& mine : sockets_)
    if (mine.get() == fd) mine = Fd();  // closes
}

int unused_port() {
  Fd socket;
  return listen_on_loopback(socket, 0);
}

}  // namespace enfold
