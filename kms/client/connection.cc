#include "kms/client/connection.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdlib>

#include "kms/base/files.h"
#include "kms/client/deadline.h"
#include "kms/client/host_addresses.h"
#include "kms/client/unix_connect.h"

namespace enfold {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using beast::error_code;
using net::ip::tcp;

using LocalStream = beast::basic_stream<net::local::stream_protocol>;
using TcpStream = beast::tcp_stream;
using TlsStream = net::ssl::stream<beast::tcp_stream>;

constexpr std::uint32_t kMaxHeaderBytes = 16 * 1024;

std::unexpected<TransportError> fault(TransportFault what, std::string why) {
  return std::unexpected(TransportError{what, std::move(why)});
}

// Starts one asynchronous operation and runs it to its end, in this thread.
template <class Start>
error_code finish(net::io_context& io, Start start) {
  error_code result = net::error::operation_aborted;
  start([&result](error_code ended, auto&&... /*size or endpoint*/) { result = ended; });
  io.restart();
  io.run();
  return result;
}

template <class Stream>
void limit(Stream& stream, std::int64_t timeout_ns) {
  beast::get_lowest_layer(stream).expires_after(
      std::chrono::nanoseconds(std::max(timeout_ns, std::int64_t{0})));
}

bool is_of_http(const error_code& error) {
  return error.category() == http::make_error_code(http::error::end_of_stream).category();
}

TransportError fault_of_reading(const error_code& error, bool has_begun) {
  if (error == beast::error::timeout) return {TransportFault::kNoTime, "no answer in time"};
  const bool is_end = error == http::error::end_of_stream || error == http::error::partial_message;
  if (is_of_http(error) && !is_end)
    return {TransportFault::kNotHttp, "what it answers is not HTTP as expected (" + error.message() + ")"};
  if (has_begun) return {TransportFault::kCut, "it cut its answer off"};
  return {TransportFault::kUnanswered, "it closed the connection without an answer"};
}

template <class Stream>
class StreamConnection final : public KmsConnection {
 public:
  // What `make` makes of the context is the stream.
  template <class Make>
  explicit StreamConnection(Make make) : stream_(make(io_)) {}

  net::io_context& io() { return io_; }
  Stream& stream() { return stream_; }

  Transported<HttpReply> exchange(std::string_view request, std::size_t max_answer_bytes,
                                  std::int64_t timeout_ns) override {
    is_kept_ = false;
    try {
      return ask(request, max_answer_bytes, timeout_ns);
    } catch (const std::exception& error) {
      return fault(TransportFault::kNotHttp, error.what());
    }
  }

  [[nodiscard]] bool is_reusable() override {
    if (!is_kept_) return false;
    pollfd socket{beast::get_lowest_layer(stream_).socket().native_handle(), POLLIN | POLLRDHUP, 0};
    return ::poll(&socket, 1, 0) == 0;
  }

 private:
  using Body = http::basic_string_body<char, std::char_traits<char>, WipingAllocator<char>>;

  // An answer may come, and the end with it, before all of the request is out.
  Transported<HttpReply> ask(std::string_view request, std::size_t max_answer_bytes,
                             std::int64_t timeout_ns) {
    limit(stream_, timeout_ns);
    const error_code written = finish(io_, [&](auto handler) {
      net::async_write(stream_, net::buffer(request.data(), request.size()), std::move(handler));
    });
    if (written == beast::error::timeout)
      return fault(TransportFault::kNoTime, "it takes no request in time");
    beast::basic_flat_buffer<WipingAllocator<char>> buffer(kMaxHeaderBytes + max_answer_bytes);
    http::response_parser<Body> parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(max_answer_bytes);
    const error_code read =
        finish(io_, [&](auto handler) { http::async_read(stream_, buffer, parser, std::move(handler)); });
    beast::get_lowest_layer(stream_).expires_never();
    if (read) return std::unexpected(fault_of_reading(read, parser.got_some()));
    is_kept_ = !written && parser.keep_alive() && buffer.size() == 0;
    auto& answer = parser.get();
    return HttpReply{static_cast<int>(answer.result_int()), std::move(answer.body())};
  }

  net::io_context io_{1};
  Stream stream_;
  bool is_kept_ = false;
};

using Connected = Transported<std::unique_ptr<KmsConnection>>;

class UnixConnector final : public KmsConnector {
 public:
  explicit UnixConnector(std::string path) : path_(std::move(path)) {}

  Connected connect(std::int64_t timeout_ns) override {
    auto socket = connect_unix(path_, timeout_ns);
    if (!socket) return std::unexpected(std::move(socket).error());
    try {
      return connection_over(*std::move(socket));
    } catch (const std::exception& error) {  // of a library: no descriptor is left, for one
      return fault(TransportFault::kNotReached, error.what());
    }
  }

 private:
  static Connected connection_over(Fd socket) {
    auto made =
        std::make_unique<StreamConnection<LocalStream>>([](net::io_context& io) { return LocalStream(io); });
    error_code refused;
    refused = made->stream().socket().assign(net::local::stream_protocol(), socket.get(), refused);
    if (refused) return fault(TransportFault::kNotReached, refused.message());
    static_cast<void>(socket.release());
    return made;
  }

  std::string path_;
};

// Tries the addresses in turn; each gets its share of the time that is left.
Transported<void> connect_tcp(TcpStream& stream, net::io_context& io,
                              const std::vector<std::string>& addresses, std::uint16_t port,
                              const Deadline& deadline) {
  error_code refused = net::error::host_not_found;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto address = net::ip::make_address(addresses[i], refused);
    if (refused) continue;
    refused = stream.socket().close(refused);
    limit(stream, deadline.left_ns() / static_cast<std::int64_t>(addresses.size() - i));
    refused = finish(
        io, [&](auto handler) { stream.async_connect(tcp::endpoint(address, port), std::move(handler)); });
    if (refused) continue;
    error_code unimportant;
    unimportant = stream.socket().set_option(tcp::no_delay(true), unimportant);
    ::fcntl(stream.socket().native_handle(), F_SETFD, FD_CLOEXEC);
    return {};
  }
  if (refused == beast::error::timeout)
    return fault(TransportFault::kNoTime, "it takes no connection in time");
  return fault(TransportFault::kNotReached, refused.message());
}

class HostConnector : public KmsConnector {
 public:
  explicit HostConnector(const KmsUrl& url) : host_(url.place), port_(url.port), addresses_(url.place) {}

  Connected connect(std::int64_t timeout_ns) override {
    const Deadline deadline(clock_, timeout_ns);
    try {
      auto addresses = addresses_.find(timeout_ns);
      if (!addresses) return fault(TransportFault::kNotReached, std::move(addresses).error().message);
      constexpr std::size_t kMostAddresses = 4;
      addresses->resize(std::min(addresses->size(), kMostAddresses));
      return connect_to(*addresses, deadline);
    } catch (const std::exception& error) {  // no descriptor or thread is left, for one
      return fault(TransportFault::kNotReached, error.what());
    }
  }

 protected:
  virtual Connected connect_to(const std::vector<std::string>& addresses, const Deadline& deadline) {
    auto made =
        std::make_unique<StreamConnection<TcpStream>>([](net::io_context& io) { return TcpStream(io); });
    auto connected = connect_tcp(made->stream(), made->io(), addresses, port_, deadline);
    if (!connected) return std::unexpected(std::move(connected).error());
    return made;
  }

  [[nodiscard]] const std::string& host() const { return host_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  std::string host_;
  std::uint16_t port_;
  HostAddresses addresses_;
  SystemClock clock_;
};

TransportError untrusted_host(std::string why) {
  why += "; nothing was sent: check the URL, or name its authority's certificates in AWS_CA_BUNDLE";
  return {TransportFault::kUntrusted, std::move(why)};
}

// The name is sent (SNI) and the certificate must be for it; for an address, for the address.
bool expect_host(SSL* tls, const std::string& host) {
  error_code no_address;
  net::ip::make_address(host, no_address);
  if (!no_address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host.c_str()) == 1;
  SSL_set_hostflags(tls, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(tls, host.c_str()) == 1 && SSL_set_tlsext_host_name(tls, host.c_str()) == 1;
}

class TlsConnector final : public HostConnector {
 public:
  explicit TlsConnector(const KmsUrl& url) : HostConnector(url) {}

  Result<void> trust() {
    error_code wrong;
    context_.set_verify_mode(net::ssl::verify_peer);
    SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_2_VERSION);
    const char* bundle = std::getenv("AWS_CA_BUNDLE");
    if (bundle == nullptr || *bundle == '\0') {
      wrong = context_.set_default_verify_paths(wrong);
      return {};
    }
    wrong = context_.load_verify_file(bundle, wrong);
    if (!wrong) return {};
    return make_error(Errc::kInvalidArgument, "AWS_CA_BUNDLE=" + std::string(bundle) +
                                                  ": no certificates read from there (" + wrong.message() +
                                                  "); correct it, or unset it to trust the system's");
  }

 protected:
  Connected connect_to(const std::vector<std::string>& addresses, const Deadline& deadline) override {
    auto made = std::make_unique<StreamConnection<TlsStream>>(
        [this](net::io_context& io) { return TlsStream(io, context_); });
    TlsStream& stream = made->stream();
    auto connected = connect_tcp(stream.next_layer(), made->io(), addresses, port(), deadline);
    if (!connected) return std::unexpected(std::move(connected).error());
    if (!expect_host(stream.native_handle(), host()))
      return std::unexpected(untrusted_host("its name cannot be checked"));
    limit(stream, deadline.left_ns());
    const error_code refused = finish(made->io(), [&](auto handler) {
      stream.async_handshake(net::ssl::stream_base::client, std::move(handler));
    });
    if (refused) return std::unexpected(fault_of_handshake(refused, stream));
    return made;
  }

 private:
  static TransportError fault_of_handshake(const error_code& error, TlsStream& stream) {
    if (error == beast::error::timeout) return {TransportFault::kNoTime, "no TLS in time"};
    const long verified = SSL_get_verify_result(stream.native_handle());
    if (verified != X509_V_OK)
      return untrusted_host("its certificate is not to be trusted (" +
                            std::string(X509_verify_cert_error_string(verified)) + ")");
    if (error.category() == net::error::get_ssl_category())
      return untrusted_host("no TLS 1.2 or later (" + error.message() + ")");
    return {TransportFault::kNotReached, "it ended the TLS handshake (" + error.message() + ")"};
  }

  net::ssl::context context_{net::ssl::context::tls_client};
};

}  // namespace

Result<std::unique_ptr<KmsConnector>> make_connector(const KmsUrl& url) {
  switch (url.scheme) {
    case KmsScheme::kUnix:
      return std::make_unique<UnixConnector>(url.place);
    case KmsScheme::kHttp:
      return std::make_unique<HostConnector>(url);
    case KmsScheme::kHttps: {
      auto made = std::make_unique<TlsConnector>(url);
      ENFOLD_TRY(made->trust());
      return made;
    }
    case KmsScheme::kEmbedded:
      break;
  }
  return make_error(Errc::kUnsupported, url.text + ": no key service that is reached by a connection");
}

}  // namespace enfold
