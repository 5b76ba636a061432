#include "kms/daemon/session.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <exception>

#include "kms/base/log.h"
#include "kms/daemon/answer.h"
#include "kms/daemon/request_reader.h"
#include "kms/daemon/waiting.h"

namespace enfold {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, asio::io_context::executor_type>;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

HttpRefusal refusal_of(RequestReader::Refusal why) {
  switch (why) {
    case RequestReader::Refusal::kMalformed:
      return HttpRefusal::kMalformed;
    case RequestReader::Refusal::kHeadTooLarge:
      return HttpRefusal::kHeadTooLarge;
    case RequestReader::Refusal::kBodyTooLarge:
      return HttpRefusal::kBodyTooLarge;
  }
  return HttpRefusal::kMalformed;
}

class Session final : public Connection, public std::enable_shared_from_this<Session> {
 public:
  using For = Waiting::For;

  Session(asio::io_context& io, Fd socket, const ConnectionPeer& peer, bool turned_away,
          const SessionContext& context)
      : context_(context), peer_(peer), turned_away_(turned_away), fd_(socket.get()), socket_(io) {
    socket_.assign(asio::generic::stream_protocol(peer.unix_id ? AF_UNIX : AF_INET, 0), fd_);
    (void)socket.release();  // not before: what throws leaves it to its owner
    socket_.non_blocking(true);
    // Whoever is turned away has only as long as a goodbye takes.
    wait_for(For::kFirstByte, turned_away ? context_.limits.linger_ms : context_.limits.request_ms);
  }

  void start() {
    asio::post(socket_.get_executor(),
               [self = shared_from_this()] { self->guarded([&] { self->wait_until_readable(); }); });
  }

  void expire(std::int64_t now_ns) override;
  void end_if_idle() override;
  void cut() override { (void)::shutdown(fd_, SHUT_RDWR); }

 private:
  template <class Work>
  void guarded(const Work& work);
  void wait_for(For what, std::int64_t timeout_ms) {
    waiting_.set(what, context_.clock.monotonic_ns() + timeout_ms * 1'000'000);
  }

  // Whoever sends without a pause is hardly ever seen waiting.
  [[nodiscard]] bool is_too_slow() const {
    return too_slow_ || (request_until_ns_ != 0 && context_.clock.monotonic_ns() > request_until_ns_);
  }

  void wait_until_readable();
  void on_readable();
  void receive();
  void wait_for_more();
  void discard();
  void on_end();
  void go_on();
  bool answer_request();
  void refuse(HttpRefusal why);
  HttpAnswer ask_handler();

  bool send(HttpAnswer answer, Afterwards afterwards, bool without_body);
  bool sent();
  void say_continue();
  void linger();
  void finish();

  const SessionContext& context_;
  const ConnectionPeer peer_;
  const bool turned_away_;
  const int fd_;  // the socket's
  Socket socket_;
  Waiting waiting_;
  std::atomic<bool> too_slow_ = false;
  RequestReader reader_;
  bool said_continue_ = false;
  std::int64_t request_until_ns_ = 0;  // 0: all that came of the request came at once
  std::string head_;                   // of the answer that is being sent
  WipedString body_;
  bool closes_ = false;   // after this answer
  bool refused_ = false;  // so the peer may be sending still
};

// A library may throw where memory runs out: that ends one connection and nothing else.
template <class Work>
void Session::guarded(const Work& work) {
  try {
    work();
  } catch (const std::exception& error) {
    log_error(std::string("a connection ended by an error inside the server: ") + error.what());
    finish();
  }
}

void Session::expire(std::int64_t now_ns) {
  const auto what = waiting_.expired(now_ns);
  if (!what) return;
  if (*what != For::kRequest) return cut();
  too_slow_ = true;
  (void)::shutdown(fd_, SHUT_RD);  // the session wakes up, and can still say why
}

// Asks the kernel first and what the session waits for second: it says that it is idle no more before it
// takes anything out of the socket, so nothing can have come and gone unseen between the two.
void Session::end_if_idle() {
  char byte = 0;
  const bool has_come = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
  if (!has_come && waiting_.what() == For::kFirstByte) (void)::shutdown(fd_, SHUT_RD);
}

void Session::wait_until_readable() {
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const error_code& error) {
    self->guarded([&] { error ? self->finish() : self->on_readable(); });
  });
}

void Session::on_readable() {
  if (waiting_.what() == For::kPeersEnd) return discard();
  waiting_.set_without_end(For::kHandler);
  receive();
}

// One read for each time that there is something, so that nobody who sends fast keeps a thread to himself.
void Session::receive() {
  const std::span<char> space = reader_.space();
  error_code error;
  const std::size_t count = socket_.read_some(asio::buffer(space.data(), space.size()), error);
  if (error == asio::error::would_block) return wait_for_more();
  if (error || is_too_slow()) return on_end();
  if (turned_away_) return refuse(HttpRefusal::kTooManyConnections);
  reader_.received(count);
  go_on();
}

void Session::wait_for_more() {
  if (reader_.has_begun()) {
    if (request_until_ns_ == 0)
      request_until_ns_ = context_.clock.monotonic_ns() + context_.limits.request_ms * 1'000'000;
    waiting_.set(For::kRequest, request_until_ns_);
    if (reader_.expects_continue() && !said_continue_) return say_continue();
  } else {
    wait_for(For::kFirstByte, context_.limits.idle_ms);
    // Who saw the end begin before this was idle has not ended it.
    if (context_.connections.is_draining()) end_if_idle();
  }
  wait_until_readable();
}

void Session::discard() {
  const std::span<char> space = reader_.space();
  error_code error;
  (void)socket_.read_some(asio::buffer(space.data(), space.size()), error);
  !error || error == asio::error::would_block ? wait_until_readable() : finish();
}

void Session::on_end() {
  if (is_too_slow()) return refuse(HttpRefusal::kTooSlow);
  if (reader_.has_begun()) return refuse(HttpRefusal::kCutShort);
  finish();
}

// Until there is something to wait for.
void Session::go_on() {
  for (;;) {
    switch (reader_.advance()) {
      case RequestReader::Step::kHead:
        waiting_.set_without_end(For::kHandler);
        reader_.allow_body(context_.handler.body_limit(reader_.request(), peer_));
        break;
      case RequestReader::Step::kWhole:
        if (!answer_request()) return;
        break;
      case RequestReader::Step::kRefused:
        return refuse(refusal_of(reader_.refusal()));
      case RequestReader::Step::kMore:
        return wait_for_more();
    }
  }
}

HttpAnswer Session::ask_handler() {
  try {
    return context_.handler.handle(reader_.request(), peer_);
  } catch (const std::exception& error) {
    log_error(std::string("a request failed inside the server: ") + error.what());
    return refusal_answer(HttpRefusal::kFailure, context_.entropy);
  }
}

// Whether there may be another request in what was received.
bool Session::answer_request() {
  waiting_.set_without_end(For::kHandler);
  HttpAnswer answer = ask_handler();
  const bool is_head = reader_.request().method == "HEAD";
  const bool is_1_0 = reader_.is_http_1_0();
  const bool keeps_alive = reader_.keeps_alive();
  reader_.next();
  said_continue_ = false;
  request_until_ns_ = 0;
  // What the peer sent already is answered, also at the server's end.
  const bool goes_on = keeps_alive && (!context_.connections.is_draining() || reader_.has_begun());
  return send(std::move(answer),
              !goes_on ? Afterwards::kClose
              : is_1_0 ? Afterwards::kGoOnFor1_0
                       : Afterwards::kGoOn,
              is_head);
}

void Session::refuse(HttpRefusal why) {
  refused_ = true;
  (void)send(refusal_answer(why, context_.entropy), Afterwards::kClose, false);
}

// Sends at once what the socket takes; true where that was all and the connection goes on.
bool Session::send(HttpAnswer answer, Afterwards afterwards, bool without_body) {
  head_ = answer_head(answer, afterwards, context_.clock.unix_ms());
  body_ = std::move(answer.body);
  if (without_body) body_ = WipedString();
  closes_ = afterwards == Afterwards::kClose;
  std::array<asio::const_buffer, 2> rest{asio::buffer(head_), asio::buffer(body_.data(), body_.size())};
  error_code error;
  const std::size_t count = socket_.write_some(rest, error);
  if (error && error != asio::error::would_block) {
    finish();
    return false;
  }
  if (count == head_.size() + body_.size()) return sent();
  const std::size_t of_head = std::min(count, head_.size());
  rest[0] += of_head;
  rest[1] += count - of_head;
  wait_for(For::kAnswer, context_.limits.answer_ms);
  asio::async_write(socket_, rest, [self = shared_from_this()](const error_code& failed, std::size_t) {
    self->guarded([&] {
      if (failed) return self->finish();
      if (self->sent()) self->go_on();
    });
  });
  return false;
}

bool Session::sent() {
  body_ = WipedString();
  if (refused_) {
    linger();
    return false;
  }
  if (closes_) finish();
  return !closes_;
}

void Session::say_continue() {
  said_continue_ = true;
  wait_for(For::kAnswer, context_.limits.answer_ms);
  asio::async_write(socket_, asio::buffer(kContinue),
                    [self = shared_from_this()](const error_code& failed, std::size_t) {
                      self->guarded([&] { failed ? self->finish() : self->wait_for_more(); });
                    });
}

// A socket that is closed while its peer still sends takes the answer with it, so it waits for the peer's
// end.
void Session::linger() {
  wait_for(For::kPeersEnd, context_.limits.linger_ms);
  (void)::shutdown(fd_, SHUT_WR);
  reader_.discard();
  wait_until_readable();
}

void Session::finish() {
  context_.connections.remove(*this);
  error_code error;
  if (socket_.close(error)) log_warning("closing a connection: " + error.message());
}

}  // namespace

void start_session(asio::io_context& io, Fd socket, const ConnectionPeer& peer,
                   Connections::Admission admission, const SessionContext& context) {
  const bool turned_away = admission == Connections::Admission::kTurnedAway;
  auto session = std::make_shared<Session>(io, std::move(socket), peer, turned_away, context);
  context.connections.add(session, peer, admission);
  session->start();
}

}  // namespace enfold
