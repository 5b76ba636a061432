#include "tests/daemon/support.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <charconv>
#include <stdexcept>

namespace enfold {

std::size_t StubHandler::body_limit(const HttpRequestView& head, const ConnectionPeer& /*peer*/) {
  return head.header("X-Large").empty() ? kStubBodyLimit : std::size_t{1} << 20U;
}

HttpAnswer StubHandler::handle(const HttpRequestView& request, const ConnectionPeer& peer) {
  {
    std::unique_lock lock(mutex_);
    peers_.push_back(peer);
    if (request.target == "/hold") {
      ++held_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return released_; });
    }
  }
  if (request.target == "/throw") throw std::length_error("thrown by the test");
  HttpAnswer answer{200, "an-id", "text/plain", {}};
  answer.body.append(request.method).append(" ").append(request.target).append(" ").append(request.body);
  if (request.target == "/large") answer.body.assign(std::size_t{1} << 20U, 'x');
  return answer;
}

void StubHandler::wait_until_held(int count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return held_ >= count; });
}

void StubHandler::release() {
  const std::lock_guard lock(mutex_);
  released_ = true;
  changed_.notify_all();
}

std::vector<ConnectionPeer> StubHandler::peers() {
  const std::lock_guard lock(mutex_);
  return peers_;
}

RawClient::RawClient(Fd socket) : socket_(std::move(socket)) {
  const timeval minute{60, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &minute, sizeof minute);
}

RawClient RawClient::over_unix(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (!fd.valid() || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    ADD_FAILURE() << "connect: " << path;
  return RawClient(std::move(fd));
}

RawClient RawClient::over_tcp(const ListenAddress& where) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(where.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!fd.valid() || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    ADD_FAILURE() << "connect: " << text_of(where);
  return RawClient(std::move(fd));
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawClient::end_sending() { ::shutdown(socket_.get(), SHUT_WR); }

bool RawClient::receive() {
  std::array<char, 65536> buffer{};
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0 && errno == EAGAIN) ADD_FAILURE() << "the server neither answers nor ends";
  if (got <= 0) return false;
  received_.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

ReceivedAnswer RawClient::answer() {
  std::size_t end = 0;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos)
    if (!receive()) return {};
  ReceivedAnswer answer;
  answer.head = received_.substr(0, end + 2);
  std::from_chars(answer.head.data() + 9, answer.head.data() + 12, answer.status);
  std::size_t length = 0;
  if (const std::size_t at = answer.head.find("Content-Length: "); at != std::string::npos)
    std::from_chars(answer.head.data() + at + 16, answer.head.data() + answer.head.size(), length);
  received_.erase(0, end + 4);
  while (received_.size() < length)
    if (!receive()) return {};
  answer.body = received_.substr(0, length);
  received_.erase(0, length);
  return answer;
}

bool RawClient::is_ended() {
  while (receive()) {
  }
  char byte = 0;
  return ::recv(socket_.get(), &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
}

std::string post(std::string_view target, std::string_view body, std::string_view more_headers) {
  std::string text = "POST ";
  text.append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(more_headers);
  text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  return text;
}

TestServer::TestServer(const ServerLimits& limits) : path_(dir_ / "kms.sock") {
  std::vector<Listener> listeners;
  for (const std::string& text : {"unix:" + path_, std::string("http://127.0.0.1:0")}) {
    auto listener = Listener::open(parse_listen_address(text).value().front());
    if (!listener) throw std::runtime_error(describe(listener.error()));
    listeners.push_back(std::move(*listener));
  }
  tcp_ = listeners.back().address();
  server = Server::start(std::move(listeners), handler, clock_, entropy_, limits).value();
}

std::vector<RawClient> TestServer::clients() {
  std::vector<RawClient> both;
  both.push_back(unix_client());
  both.push_back(tcp_client());
  return both;
}

}  // namespace enfold
