// https: who is believed to be the service, with certificates that the openssl program makes.
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

#include "tests/client/support.h"

namespace enfold {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;
using Tls = net::ssl::stream<tcp::socket>;

void openssl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "openssl");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t quiet{};
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  ASSERT_EQ(::posix_spawnp(&child, "openssl", &quiet, nullptr, pointers.data(), environ), 0);
  posix_spawn_file_actions_destroy(&quiet);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0) << arguments[1];
}

// An authority, and servers' certificates that it signed.
class Authority {
 public:
  explicit Authority(std::string place) : place_(std::move(place)) {
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
             key(), "-out", certificate(), "-days", "2", "-subj", "/CN=Test Authority"});
  }
  [[nodiscard]] std::string certificate() const { return place_ + "-ca.pem"; }

  // Of a server, as PLACE-NAME.key and .pem; valid for so many days, which may be over.
  [[nodiscard]] std::string certify(const std::string& name, const std::string& alternative_names,
                                    int days = 2) const {
    const std::string base = place_ + "-" + name;
    openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
             base + ".key", "-out", base + ".csr", "-subj", "/CN=" + name, "-addext",
             "subjectAltName=" + alternative_names});
    openssl({"x509", "-req", "-in", base + ".csr", "-CA", certificate(), "-CAkey", key(), "-out",
             base + ".pem", "-days", std::to_string(days), "-copy_extensions", "copy"});
    return base;
  }

 private:
  [[nodiscard]] std::string key() const { return place_ + "-ca.key"; }
  std::string place_;
};

// Answers 200 and {} to whoever gets through the handshake; one connection at a time.
class TlsServer {
 public:
  explicit TlsServer(const std::string& base, long options = 0)
      : context_(net::ssl::context::tls_server), acceptor_(io_, tcp::endpoint(tcp::v4(), 0)) {
    context_.use_certificate_chain_file(base + ".pem");
    context_.use_private_key_file(base + ".key", net::ssl::context::pem);
    context_.set_options(static_cast<net::ssl::context::options>(options));
    SSL_CTX_set_tlsext_servername_callback(
        context_.native_handle(), +[](SSL* tls, int*, void* self) {
          const char* name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
          static_cast<TlsServer*>(self)->name_asked_ = name == nullptr ? "" : name;
          return SSL_TLSEXT_ERR_OK;
        });
    SSL_CTX_set_tlsext_servername_arg(context_.native_handle(), this);
    thread_ = std::thread([this] { serve(); });
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer() {
    stopped_ = true;
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    if (const int fd = serving_; fd >= 0) ::shutdown(fd, SHUT_RDWR);
    thread_.join();
  }

  [[nodiscard]] std::string url(const std::string& host) const {
    return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port());
  }
  [[nodiscard]] int requests() const { return requests_; }
  [[nodiscard]] const std::string& name_asked() const { return name_asked_; }

 private:
  void serve() {
    while (!stopped_) {
      error_code failed;
      tcp::socket socket = acceptor_.accept(failed);
      if (failed) return;
      serving_ = socket.native_handle();
      Tls stream(std::move(socket), context_);
      failed = stream.handshake(Tls::server, failed);
      while (!failed) {
        std::string text;
        net::read_until(stream, net::dynamic_buffer(text), "}", failed);  // the end of the body
        if (failed) break;
        ++requests_;
        net::write(stream, net::buffer(std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")),
                   failed);
      }
      serving_ = -1;
    }
  }

  net::io_context io_;
  net::ssl::context context_;
  tcp::acceptor acceptor_;
  std::atomic<bool> stopped_{false};
  std::atomic<int> serving_{-1};
  std::atomic<int> requests_{0};
  std::string name_asked_;
  std::thread thread_;
};

class Https : public ::testing::Test {
 protected:
  Https() { environment_.set("AWS_CA_BUNDLE", authority_.certificate()); }

  std::string made_of(const std::string& url) {
    const auto answer = open_endpoint(url)->call(simple_call());
    if (!answer) last_message_ = answer.error().message;
    return outcome(answer);
  }

  ClientEnvironment environment_;
  TempDir temp_;
  Authority authority_{temp_ / "one"};
  std::string last_message_;
};

TEST_F(Https, BelievesACertificateForItsHostByATrustedAuthority) {
  TlsServer server(authority_.certify("localhost", "DNS:localhost,IP:127.0.0.1"));
  const auto endpoint = open_endpoint(server.url("localhost"));
  for (int i = 0; i < 3; ++i) {
    const auto answer = endpoint->call(simple_call());
    ASSERT_TRUE(answer) << describe(answer.error());
  }
  EXPECT_EQ(server.requests(), 3);
  EXPECT_EQ(server.name_asked(), "localhost");
}

TEST_F(Https, BelievesACertificateForAnAddress) {
  TlsServer server(authority_.certify("address", "IP:127.0.0.1"));
  EXPECT_EQ(made_of(server.url("127.0.0.1")), "ok");
}

TEST_F(Https, SendsNothingToWhoHasACertificateForAnotherHost) {
  for (const char* names :
       {"DNS:other.example", "DNS:localhost.example", "DNS:*.localhost", "IP:127.0.0.2"}) {
    TlsServer server(authority_.certify("other", names));
    for (const char* host : {"localhost", "127.0.0.1"}) {
      EXPECT_EQ(made_of(server.url(host)), "kms-unavailable") << names;
      EXPECT_NE(last_message_.find("certificate"), std::string::npos) << last_message_;
    }
    EXPECT_EQ(server.requests(), 0);
  }
}

// Nobody issues certificates for a part of a label, and few programs take them.
TEST_F(Https, TakesAWildcardOnlyForAWholeLabel) {
  TlsServer whole(authority_.certify("whole", "DNS:*.kms.localhost"));
  EXPECT_EQ(made_of(whole.url("first.kms.localhost")), "ok") << last_message_;
  TlsServer part(authority_.certify("part", "DNS:f*.kms.localhost"));
  EXPECT_EQ(made_of(part.url("first.kms.localhost")), "kms-unavailable");
  EXPECT_NE(last_message_.find("certificate"), std::string::npos) << last_message_;
  EXPECT_EQ(part.requests(), 0);
}

TEST_F(Https, SendsNothingToWhoIsCertifiedByNobodyTrusted) {
  const Authority unknown(temp_ / "two");
  TlsServer server(unknown.certify("localhost", "DNS:localhost"));
  EXPECT_EQ(made_of(server.url("localhost")), "kms-unavailable");
  EXPECT_NE(last_message_.find("AWS_CA_BUNDLE"), std::string::npos) << last_message_;
  EXPECT_EQ(server.requests(), 0);
  // Nor by the system's authorities.
  environment_.set("AWS_CA_BUNDLE", std::nullopt);
  TlsServer other(authority_.certify("localhost", "DNS:localhost"));
  EXPECT_EQ(made_of(other.url("localhost")), "kms-unavailable");
  EXPECT_EQ(other.requests(), 0);
}

TEST_F(Https, SendsNothingBehindAnExpiredCertificate) {
  TlsServer server(authority_.certify("localhost", "DNS:localhost", -1));
  EXPECT_EQ(made_of(server.url("localhost")), "kms-unavailable");
  EXPECT_NE(last_message_.find("expired"), std::string::npos) << last_message_;
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(Https, SendsNothingByTls11) {
  TlsServer server(authority_.certify("localhost", "DNS:localhost"),
                   net::ssl::context::no_tlsv1_2 | net::ssl::context::no_tlsv1_3);
  EXPECT_EQ(made_of(server.url("localhost")), "kms-unavailable");
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(Https, EndsInTimeBesideWhoSpeaksNoTls) {
  FakeServer plain([](FakeSocket& socket, const FakeRequest&, int) { socket.answer(200, "{}"); });
  EXPECT_EQ(made_of("https://localhost:" + std::to_string(plain.port())), "kms-unavailable");
  EXPECT_EQ(plain.requests(), 0);
}

TEST_F(Https, RefusesABundleThatDoesNotRead) {
  environment_.set("AWS_CA_BUNDLE", temp_ / "none.pem");
  const auto endpoint = RemoteEndpoint::open(parse_kms_url("https://localhost").value());
  EXPECT_EQ(outcome(endpoint), "invalid-argument");
}

}  // namespace
}  // namespace enfold
